"""Times as RFC 3339 writes them."""

import re
from datetime import datetime

from pydantic import TypeAdapter, ValidationError

from domain.values import Moment

# The form that every reader of RFC 3339 understands: no space, and no leap second.
_LEGIBLE = re.compile(r".{10}[Tt].{6}(?!60).*")

_MOMENT: TypeAdapter[datetime] = TypeAdapter(Moment)


def instant(text: str) -> datetime:
    """Return the moment that an RFC 3339 date-time names, to the microsecond. Raises ValueError."""
    try:
        return _MOMENT.validate_python(text)
    except ValidationError as exc:
        raise ValueError(exc.errors()[0]["msg"].removeprefix("Value error, ")) from exc


def legible(text: str | None) -> str | None:
    """Return a date-time as it was written; None if some readers of RFC 3339 cannot read it."""
    return text if text is not None and _LEGIBLE.fullmatch(text) else None
