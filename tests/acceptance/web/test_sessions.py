"""A session that has ended opens nothing, whoever has kept a copy of its cookie."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from tests.acceptance.web.fix_web import Shop

COOKIE = "ordertrail_session"


@contextmanager
def a_session(shop: Shop) -> Iterator[httpx.Client]:
    """Make a client that is signed in to the pages, and sends nothing but its cookie."""
    with httpx.Client(base_url=shop.url, timeout=30, trust_env=False) as http:
        http.post("/ui/sign-in", data={"token": shop.token})
        yield http


def refuse(shop: Shop, kept: str) -> None:
    """See that nothing is opened by a copy of a session's cookie."""
    with httpx.Client(base_url=shop.url, cookies={COOKIE: kept}, trust_env=False) as copy:
        for path in ("/ui/orders", "/ui/ledger", "/ui/orders/KK-1001"):
            assert copy.get(path).headers["location"].startswith("/ui/sign-in")
        assert copy.post("/ui/ledger/verify").status_code == 303
        assert copy.get("/ui/live").status_code == 204
        assert copy.get("/ui/proofs/1").status_code == 401


def test_a_session_that_was_signed_out_is_refused_when_its_cookie_is_sent_again(shop: Shop) -> None:
    with a_session(shop) as http, a_session(shop) as other:
        kept = http.cookies[COOKIE]
        assert http.get("/ui/orders").status_code == 200

        http.post("/ui/sign-out")

        assert COOKIE not in http.cookies
        refuse(shop, kept)
        assert other.get("/ui/orders").status_code == 200


def test_a_browser_that_signs_in_again_has_one_session(shop: Shop) -> None:
    with a_session(shop) as http:
        kept = http.cookies[COOKIE]

        http.post("/ui/sign-in", data={"token": shop.token})

        assert http.get("/ui/orders").status_code == 200
        refuse(shop, kept)
