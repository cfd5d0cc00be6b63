"""Pages that say what went wrong, and what to do about it."""

from urllib.parse import urlencode

from fastapi import Response
from fastapi.responses import RedirectResponse

from api.http.problems import Kind, Problem
from api.web.rendering import HEADERS, environment, html
from api.web.security import SignInNeeded

LIVE = "/ui/live"

_HELP = {
    Kind.FORBIDDEN: ("You may not see this", "Ask whoever runs your shop’s store for a credential that allows it."),
    Kind.NOT_FOUND: ("There is nothing here", "Look for the order by its id, its reference or its customer."),
    Kind.BEYOND_HEAD: ("The ledger ends before this", "It was restored from an earlier copy. Begin at its newest end."),
    Kind.INVALID: ("This address cannot be read", "A part of it is not what it should be."),
    Kind.UNAVAILABLE: ("The store does not answer", "Its database is away for a moment. Nothing is lost; try again."),
    Kind.DAMAGED: (
        "This was damaged in the database",
        "Somebody has to restore it from a backup. Nothing else is lost.",
    ),
    Kind.UNPROVEN: ("This is not proven", "What is stored is not what was signed. Whoever runs the store must know."),
    Kind.TOO_LARGE: ("This form is too large", "Send less at a time."),
    Kind.INTERNAL: ("Something went wrong", "It is our fault, and it is in the log."),
}


def render(problem: Problem) -> Response:
    """Render a problem; whoever is not signed in is asked to."""
    if isinstance(problem.cause, SignInNeeded):
        if problem.cause.path.startswith(LIVE):
            return Response(status_code=204)  # so a browser asks for the stream no more
        asked = {"next": problem.cause.path} if problem.cause.path else {}
        again = {"again": "1"} if problem.cause.was_signed_in else {}
        query = urlencode(asked | again)
        return RedirectResponse(f"/ui/sign-in?{query}" if query else "/ui/sign-in", 303, headers=HEADERS)
    title, advice = _HELP.get(problem.kind, (problem.kind.title, "Go back, and try it another way."))
    template = environment().get_template("error.html")
    text = template.render(title=title, advice=advice, detail=problem.detail, status=problem.status)
    return html(text, status=problem.status)
