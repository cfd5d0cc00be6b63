"""Sendcloud's cursors are date-times, as the vendor's specification defines the parameter.

A client that was made from the specification reads the cursor of a link as a date-time and sends it again in its own
spelling, perhaps without fractions of a second. So a ledger position is written as a moment: so many seconds after the
beginning of a year in which no log was created. That year is far in the future for older logs, and long ago for newer
ones. A date-time in these years that we did not write stands for a position beyond the ledger's head.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

from api.dialects.sendcloud.times import instant
from domain.errors import NotFound

Rel = Literal["next", "prev"]

_ERAS: dict[Rel, tuple[datetime, datetime]] = {
    "next": (datetime(4000, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)),
    "prev": (datetime(1602, 1, 1, tzinfo=UTC), datetime(1890, 1, 1, tzinfo=UTC)),
}
"""The moments between which positions are counted in seconds. Larger positions are counted in microseconds."""
_SECOND, _MICROSECOND = timedelta(seconds=1), timedelta(microseconds=1)

_OFFSET = re.compile(r"(?:[Zz]|[+-]\d\d:\d\d)$")
# A + that was not written as %2B arrives as a space.
_SPACE_FOR_PLUS = re.compile(r" (?=\d\d:\d\d$)")


class InvalidCursor(NotFound):
    """This server did not make the cursor."""


class Cursor(NamedTuple):
    """Where a page begins: beyond a ledger position, with a limit on the entries of all pages that follow."""

    rel: Rel = "next"
    position: int | None = None
    created_before: datetime | None = None

    def __str__(self) -> str:
        begin, end = _ERAS[self.rel]
        rounds, seconds = divmod(self.position or 0, (end - begin) // _SECOND)
        return written(begin + seconds * _SECOND + rounds * _MICROSECOND)


def cursor_of(text: str | None, created_before: str | None = None) -> Cursor:
    """Return the meaning of a cursor: a place that we gave, or else the time before which entries were created.

    created_before is that time if the cursor is a place. A date-time without an offset, as in the vendor's own Link
    header, is in UTC. Raises InvalidCursor.
    """
    try:
        before = _moment(created_before) if created_before else None
        moment = _moment(text) if text else None
    except ValueError as exc:
        raise InvalidCursor("Invalid cursor") from exc
    if moment is None:
        return Cursor(created_before=before)
    for rel, (begin, end) in _ERAS.items():
        if begin <= moment < end:
            seconds, rest = divmod(moment - begin, _SECOND)
            return Cursor(rel, seconds + rest // _MICROSECOND * ((end - begin) // _SECOND), before)
    return Cursor(created_before=moment)


def written(moment: datetime) -> str:
    """Return a moment in the form of cursors, without characters that have another meaning in a URL."""
    return moment.isoformat().replace("+00:00", "Z")


def _moment(text: str) -> datetime:
    text = _SPACE_FOR_PLUS.sub("+", text)
    return instant(text if _OFFSET.search(text) else f"{text}Z")
