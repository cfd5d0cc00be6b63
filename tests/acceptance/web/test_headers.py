"""What pages say beside what they show, and which forms they take."""

import re
from collections.abc import Iterator

import httpx
import pytest
from fastapi.routing import APIRoute

from api.web.dialect import DIALECT, PROOFS
from tests.acceptance.web.fix_web import Shop


def test_every_page_has_the_policy_and_is_kept_by_nobody(shop: Shop) -> None:
    with shop.client() as http:
        http.post("/ui/sign-in", data={"token": shop.token})  # the client keeps the cookie
        for path in ("/ui/orders", "/ui/sign-in", "/ui/orders/none", "/ui/style"):
            answer = http.get(path)

            policy = answer.headers["content-security-policy"]
            assert "unsafe" not in policy
            assert "default-src 'none'" in policy
            assert "http" not in policy
            assert answer.headers["cache-control"] == "no-store"
            assert " style=" not in answer.text
            assert "<style" not in answer.text
            assert "onclick" not in answer.text


def test_files_are_kept_for_good_under_names_of_their_content(shop: Shop) -> None:
    with shop.client() as http:
        page = http.get("/ui/sign-in").text
        path = page.split('rel="stylesheet" href="')[1].split('"')[0]

        kept = http.get(path)
        gone = http.get(path.replace(".css", "0.css"))

    assert kept.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert kept.headers["content-encoding"] == "gzip"
    assert gone.status_code == 404


def test_a_form_of_another_site_is_refused(shop: Shop) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = httpx.post(f"{shop.url}/ui/sign-in", data={"token": shop.token}, headers=headers, trust_env=False)

        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers


def test_a_link_leads_to_no_other_host(shop: Shop) -> None:
    for target in ("//evil.example", "https://evil.example/ui", "/ui\\evil", "/trail/v1/feed"):
        answer = httpx.post(
            f"{shop.url}/ui/sign-in",
            data={"token": shop.token, "next": target},
            trust_env=False,
            follow_redirects=False,
        )

        assert (answer.status_code, answer.headers["location"]) == (303, "/ui/orders")


OPEN = {"/ui", "/ui/sign-in", "/ui/sign-out", "/ui/style", "/ui/static/{name}"}
"""What everybody may ask for."""
ROUTES = [
    (method, route.path)
    for dialect in (DIALECT, PROOFS)
    for router in dialect.routers
    for route in router.routes
    if isinstance(route, APIRoute) and route.path not in OPEN
    for method in sorted(route.methods)
]


@pytest.fixture(scope="module")
def anybody(shop: Shop) -> Iterator[httpx.Client]:
    """A client that sends no credential of its own."""
    with httpx.Client(base_url=shop.url, trust_env=False) as http:
        yield http


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_whoever_is_not_signed_in_sees_nothing(shop: Shop, anybody: httpx.Client, method: str, path: str) -> None:
    address = re.sub(r"{\w+}", "7", path.replace("{order_id}", "KK-1001"))
    for cookie in ("", "ordertrail_session=none", f"ordertrail_session={shop.token}"):
        answer = anybody.request(method, address, headers={"Cookie": cookie})

        if path.startswith("/ui/proofs"):
            assert answer.status_code == 401
        elif path == "/ui/live":
            assert answer.status_code == 204
        else:
            assert answer.status_code == 303
            assert answer.headers["location"].startswith("/ui/sign-in")
        assert "KK-1001" not in answer.text
