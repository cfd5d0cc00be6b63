"""Who looks at the pages: a session in a cookie that no script can read and no other site can use."""

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request, Response

from api.http.credentials import Authentication
from api.http.public_url import public_url_or_host
from api.http.requests import ServicesDep
from application.access.callers import Caller
from application.access.links import SESSION_SECONDS
from domain.errors import Forbidden, Unauthenticated

COOKIE = "ordertrail_session"


class SignInNeeded(Unauthenticated):
    """Nobody is signed in, or the session is over."""

    def __init__(self, path: str, *, was_signed_in: bool) -> None:
        self.path = path
        self.was_signed_in = was_signed_in
        super().__init__("Sign in to see this page")


@Authentication
async def _visitor(request: Request, services: ServicesDep) -> Caller:
    session = request.cookies.get(COOKIE)
    try:
        if session is not None:
            return await services.sessions.caller(session)
    except Forbidden:
        pass
    raise SignInNeeded(_asked(request), was_signed_in=session is not None)


VisitorDep = Annotated[Caller, Depends(_visitor)]


def _asked(request: Request) -> str:
    """Return the page to come back to: only what can be asked for again without doing something."""
    if request.method not in {"GET", "HEAD"} or "part" in request.query_params:
        return ""
    query = request.url.query
    return f"{request.url.path}?{query}" if query else request.url.path


def keep_session(request: Request, response: Response, session: str) -> None:
    """Give the browser a session."""
    response.set_cookie(
        COOKIE,
        session,
        max_age=SESSION_SECONDS,
        path="/ui",
        httponly=True,
        samesite="lax",  # a link to a page in a chat or a mail shall work for who is signed in
        secure=_is_secure(request),
    )


def end_session(request: Request, response: Response) -> None:
    """Take the session from the browser."""
    response.delete_cookie(COOKIE, path="/ui", httponly=True, samesite="lax", secure=_is_secure(request))


def _is_secure(request: Request) -> bool:
    """Return whether browsers reach us over TLS, which a proxy before us may end."""
    return public_url_or_host(request).startswith("https:")


def require_own_form(request: Request) -> None:
    """Raise Forbidden unless a request that changes something comes from a page of ours.

    Browsers say where a request comes from, and no page can make them say otherwise. A client that says nothing is no
    browser, and has no cookie that somebody else could use.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    is_foreign = site not in {None, "same-origin", "none"}
    # A proxy may put another Host in place of the browser's, which the configured address has then.
    ours = {request.headers.get("host"), urlsplit(public_url_or_host(request)).netloc}
    if is_foreign or (origin is not None and urlsplit(origin).netloc not in ours):
        raise Forbidden("This form was sent by another site; open the page here and send it again")
