"""How a request carries its ticket: its place among the requests that a worker has under way."""

from starlette.types import Scope

from application.runtime.admission import Ticket

TICKET = "ordertrail.ticket"


def ticket_of(scope: Scope) -> Ticket | None:
    """Return the ticket of a request; None if the server gives none."""
    ticket: Ticket | None = scope.get(TICKET)
    return ticket
