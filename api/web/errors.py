"""Pages that say what went wrong, and what to do about it."""

from typing import Any, NamedTuple
from urllib.parse import urlencode

from fastapi import Response
from fastapi.responses import RedirectResponse

from api.http.problems import Kind, Problem
from api.web.rendering import HEADERS, ROOMS, environment, html, rooms_of
from api.web.security import SignInNeeded
from api.web.showing.wording import Tone
from api.web.visits import this_visit
from application.runtime.request_context import current

LIVE = "/ui/live"


class Help(NamedTuple):
    """What a page says of a kind of problem: what it is, and what to do about it."""

    title: str
    advice: str
    icon: str = "warn"
    tone: Tone = "bad"


_HELP = {
    Kind.FORBIDDEN: Help(
        "You may not see this", "Ask whoever runs your shop’s store for a credential that allows it.", "key", "wait"
    ),
    Kind.NOT_FOUND: Help(
        "There is nothing here", "Look for the order by its id, its reference or its customer.", "search", "info"
    ),
    Kind.METHOD_NOT_ALLOWED: Help("This address shows no page", "It only takes a form of ours.", "search", "info"),
    Kind.GONE: Help("This is not here any more", "It was archived: nothing is added to it.", "box", "quiet"),
    Kind.BEYOND_HEAD: Help(
        "The ledger ends before this", "It was restored from an earlier copy. Begin at its newest end.", tone="wait"
    ),
    Kind.INVALID: Help("This address cannot be read", "A part of it is not what it should be.", "search", "wait"),
    Kind.UNAVAILABLE: Help(
        "The store does not answer", "Its database is away for a moment. Nothing is lost; try again.", "clock", "wait"
    ),
    Kind.TOO_MANY: Help("Too much at once", "Wait for a moment, and try again.", "clock", "wait"),
    Kind.DAMAGED: Help(
        "This was damaged in the database", "Somebody has to restore it from a backup. Nothing else is lost."
    ),
    Kind.UNPROVEN: Help(
        "This is not proven", "What is stored is not what was signed. Whoever runs the store must know.", "shield"
    ),
    Kind.TOO_LARGE: Help("This form is too large", "Send less at a time.", tone="wait"),
    Kind.INTERNAL: Help(
        "Something went wrong", "It is our fault, and it is in the log. Tell whoever runs the store the request below."
    ),
}
_INVALID_FORM = Help(
    "This form cannot be taken", "Something in it is not what it should be. Go back, and mend it.", "pen", "wait"
)
_MAY_BE_DONE = Help(
    "This may be done all the same",
    "The store went away before it answered. Check whether it was done.",
    "clock",
    "wait",
)
_MAY_PASS = {Kind.UNAVAILABLE, Kind.TOO_MANY, Kind.DAMAGED, Kind.INTERNAL}
"""What may be over when the page is asked for again."""


def render(problem: Problem) -> Response:
    """Render a problem; whoever is not signed in is asked to."""
    if isinstance(problem.cause, SignInNeeded):
        if problem.cause.path.startswith(LIVE):
            return Response(status_code=204)  # so a browser asks for the stream no more
        asked = {"next": problem.cause.path} if problem.cause.path else {}
        again = {"again": "1"} if problem.cause.was_signed_in else {}
        query = urlencode(asked | again)
        return RedirectResponse(f"/ui/sign-in?{query}" if query else "/ui/sign-in", 303, headers=HEADERS)
    return html(environment().get_template("error.html").render(_shown(problem)), status=problem.status)


def _shown(problem: Problem) -> dict[str, Any]:
    """Return what the page says. Whoever has a session finds their way on, even while nobody can tell whose it is."""
    told = _HELP.get(problem.kind) or Help(problem.kind.title, "Go back, and try it another way.")
    if any(fault.where[:1] == ("body",) for fault in problem.faults):
        told = _INVALID_FORM
    if problem.may_be_done:
        told = _MAY_BE_DONE
    visit, request = this_visit(), current.get()
    rooms = rooms_of(visit.visitor) if visit.visitor else ROOMS if visit.has_session else ()
    return {
        "title": told.title,
        "advice": told.advice,
        "picture": told.icon,
        "tone": told.tone,
        "detail": problem.detail,
        "status": problem.status,
        "visitor": visit.visitor,
        "rooms": rooms,
        "here": visit.path,
        "again": visit.path if problem.kind in _MAY_PASS and visit.may_return else None,
        "may_search": problem.kind is Kind.NOT_FOUND and any(room.path == "/ui/orders" for room in rooms),
        "request_id": request.id if request and problem.status >= 500 else None,
    }
