"""Pages of native lists. Their cursors are ledger positions."""

from api.http.problems import Fault, InvalidRequest
from api.http.reading.query import number_in
from domain.values import MAX_BIGINT


def position_of(cursor: str | None) -> int | None:
    """Return the position in a cursor. Raises InvalidRequest."""
    if cursor is None:
        return None
    if (position := number_in(cursor, highest=MAX_BIGINT)) is None:
        raise InvalidRequest(
            Fault(("query", "cursor"), "is not a cursor that this server made; begin without one", "cursor")
        )
    return position
