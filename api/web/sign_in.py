"""Signing in with a token or a link, and signing out."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from api.http.requests import ServicesDep
from api.services import Services
from api.web.rendering import HEADERS, page
from api.web.route import PageRoute, asked, form_of
from api.web.security import COOKIE, end_session, keep_session
from application.access.callers import Caller
from domain.errors import Forbidden, Unauthenticated

HOME = "/ui/orders"

router = APIRouter(route_class=PageRoute, include_in_schema=False)

FormDep = Annotated[dict[str, str], Depends(form_of)]


@router.get("/ui")
async def get_home() -> Response:
    """Lead to the orders."""
    return see(HOME)


@router.get("/ui/sign-in")
async def get_sign_in(request: Request, services: ServicesDep) -> Response:
    """Ask for a token; or, with a link, ask whether to use it. Looking at a link does not use it: mail scanners do."""
    given = asked(request)
    next_page, link = own_page(given.get("next")), given.get("link")
    if link is None:
        return _form(request, next_page, was_signed_in="again" in given)
    try:
        caller = await services.sessions.look_at(link)
    except Forbidden as refusal:
        return _form(request, next_page, wrong=str(refusal), status=403)
    return page(request, "sign_in_link.html", link=link, caller=caller, next_page=next_page)


@router.post("/ui/sign-in")
async def post_sign_in(request: Request, services: ServicesDep, form: FormDep) -> Response:
    """Begin a session with a token or a link."""
    next_page = own_page(form.get("next"))
    try:
        if (link := form.get("link")) is not None:
            session = await services.sessions.redeem(link)
        else:
            session = services.sessions.begin(await _caller(services, form.get("token", "")))
    except (Forbidden, Unauthenticated) as refusal:
        return _form(request, next_page, wrong=str(refusal), status=403)
    await _end_session_of(request, services)  # or somebody who kept a copy of it goes on unseen
    response = see(next_page)
    keep_session(request, response, session)
    return response


@router.post("/ui/sign-out")
async def post_sign_out(request: Request, services: ServicesDep) -> Response:
    """End the session, and take it from the browser. Whoever has kept a copy of it is refused."""
    await _end_session_of(request, services)
    response = page(request, "sign_in.html", next_page=HOME, wrong=None, note="You are signed out.")
    end_session(request, response)
    return response


async def _end_session_of(request: Request, services: Services) -> None:
    """End the session that the browser has, if it has one."""
    if (session := request.cookies.get(COOKIE)) is not None:
        await services.sessions.end(session)


def see(path: str) -> Response:
    """Lead to another page."""
    return RedirectResponse(path, status_code=303, headers=HEADERS)


def own_page(path: str | None) -> str:
    """Return a path of ours; that of the orders, if this is none: a link must not lead elsewhere."""
    is_ours = path is not None and path.startswith("/ui") and not path.startswith("/ui/sign-") and "\\" not in path
    return quote(path or "", safe="/?&=%#+:,-_.~!$'()*@;") if is_ours else HOME


async def _caller(services: ServicesDep, token: str) -> Caller:
    """Return whose token this is. Only a credential in one piece counts: signed tokens are for programs."""
    if not token.startswith("ot_"):
        raise Unauthenticated("Paste a token as `ordertrail key create` prints it: it begins with ot_")
    return await services.access.by_bearer(token)


def _form(
    request: Request, next_page: str, *, wrong: str | None = None, was_signed_in: bool = False, status: int = 200
) -> Response:
    note = "Your session is over. Sign in again, and you come back to where you were." if was_signed_in else None
    return page(request, "sign_in.html", status=status, next_page=next_page, wrong=wrong, note=note)
