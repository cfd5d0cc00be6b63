"""What the addresses of pages may ask for, read with patience: an empty field of a form asks for nothing."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeVar
from urllib.parse import urlencode

from fastapi import Depends, Path, Request

from api.http.problems import Fault, InvalidRequest
from api.http.reading.query import number_in
from api.web import route
from domain.values import MAX_BIGINT, Name

T = TypeVar("T")

PERIODS = {
    "1h": ("Last hour", timedelta(hours=1)),
    "24h": ("Last 24 hours", timedelta(days=1)),
    "7d": ("Last 7 days", timedelta(days=7)),
    "30d": ("Last 30 days", timedelta(days=30)),
}
"""The periods that lists can be narrowed down to."""

OrderName = Annotated[Name, Path()]
Place = Annotated[int, Path(ge=1, le=MAX_BIGINT)]


async def _asked(request: Request) -> route.Asked:
    return route.asked(request)


AskedDep = Annotated[route.Asked, Depends(_asked)]
"""The filled-in parameters of a page's address."""


def number(asked: Mapping[str, str], name: str, *, highest: int = MAX_BIGINT) -> int | None:
    """Return a number that is asked for. Raises InvalidRequest."""
    text = asked.get(name)
    if text is None:
        return None
    if (found := number_in(text, highest=highest)) is None:
        raise InvalidRequest(Fault(("query", name), f"is not a whole number from 0 to {highest}", "int"))
    return found


def one_of(asked: Mapping[str, str], name: str, known: Mapping[str, T]) -> T | None:
    """Return what a parameter chooses among these. Raises InvalidRequest."""
    text = asked.get(name)
    if text is None:
        return None
    if text not in known:
        raise InvalidRequest(Fault(("query", name), f"is none of {', '.join(known)}", "choice"))
    return known[text]


def since(asked: Mapping[str, str]) -> datetime | None:
    """Return when the period began that is asked for. Raises InvalidRequest."""
    period = one_of(asked, "since", PERIODS)
    return None if period is None else datetime.now(UTC) - period[1]


def turned(asked: Mapping[str, str], **changed: str | int | None) -> str:
    """Return the query of a page like the one asked for, with these parameters changed or left out."""
    wanted = {**asked, **{name: None if value is None else str(value) for name, value in changed.items()}}
    wanted.pop("part", None)
    query = urlencode({name: value for name, value in wanted.items() if value})
    return f"?{query}" if query else "?"
