"""Which forms are taken, and how the cookie of a session is kept."""

import pytest
from fastapi import FastAPI, Request, Response

from api.web.security import COOKIE, keep_session, require_own_form
from domain.errors import Forbidden

PUBLIC = "https://trail.acme.example"


def a_request(public_url: str | None = None, **headers: str) -> Request:
    """Return a request with these headers, to a server that clients reach by an address."""
    app = FastAPI()
    app.state.public_url = public_url
    sent = {"host": "10.0.0.7:8080", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return Request(
        {
            "type": "http",
            "method": "POST",
            "scheme": "http",
            "path": "/ui/sign-in",
            "query_string": b"",
            "server": ("10.0.0.7", 8080),
            "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
            "app": app,
        }
    )


@pytest.mark.parametrize(
    "request_",
    [
        a_request(),
        a_request(origin="http://10.0.0.7:8080", sec_fetch_site="same-origin"),
        a_request(sec_fetch_site="none"),
        a_request(PUBLIC, origin=PUBLIC, sec_fetch_site="same-origin"),
    ],
    ids=["no browser", "our page", "typed by hand", "our page behind a proxy"],
)
def test_a_form_of_ours_is_taken(request_: Request) -> None:
    require_own_form(request_)


@pytest.mark.parametrize(
    "request_",
    [
        a_request(sec_fetch_site="cross-site"),
        a_request(sec_fetch_site="same-site"),
        a_request(origin="https://evil.example"),
        a_request(origin="null"),
        a_request(PUBLIC, origin="https://trail.acme.example.evil.example"),
        a_request(PUBLIC, origin=PUBLIC, sec_fetch_site="cross-site"),
    ],
    ids=["another site", "a site beside", "another origin", "no origin", "a longer name", "another site with our name"],
)
def test_a_form_of_another_site_is_refused(request_: Request) -> None:
    with pytest.raises(Forbidden):
        require_own_form(request_)


@pytest.mark.parametrize(("public_url", "is_secure"), [(PUBLIC, True), (None, False)])
def test_a_session_is_kept_from_scripts_and_other_sites(public_url: str | None, is_secure: bool) -> None:
    response = Response()

    keep_session(a_request(public_url), response, "a-session")

    cookie = response.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=a-session; HttpOnly; ")
    assert "SameSite=lax" in cookie
    assert "Path=/ui" in cookie
    assert ("Secure" in cookie) is is_secure
