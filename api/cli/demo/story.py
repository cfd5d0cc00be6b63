"""The example as data: ten days of a small shop's orders and integrations, request by request, as it happened.

Each line of story.ndjson is a request. Its times are relative to the story: {time 2 09:30:05.250} is half past nine,
five seconds and a quarter, on its second day. {date …} is the same in the form of HTTP headers; "{epoch …}" is the
number of milliseconds since 1970.
"""

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.utils import format_datetime
from importlib.resources import files
from typing import Any, Literal, NamedTuple

Interface = Literal["native", "carriyo", "sendcloud", "dintero"]

DAYS = 10
"""The length of the story; it ends with the day before it is first sent."""
FIRST_ORDER = "KK-1001"
"""The story's first order, created on its first day. When the story is sent again, its other times follow from this
one.
"""

_LINES = files("api.cli.demo").joinpath("story.ndjson").read_text(encoding="utf-8").splitlines()
_MOMENT = r"(\d+) (\d\d):(\d\d):(\d\d)(?:\.(\d{3}))?"
_TIME = re.compile(rf"\{{(time|date) {_MOMENT}\}}")
_EPOCH = re.compile(rf'"\{{(epoch) {_MOMENT}\}}"')

LENGTH = len(_LINES)


class Step(NamedTuple):
    """One request of the story, and the interface that gets it."""

    interface: Interface
    method: str
    path: str
    body: dict[str, Any]


def steps(start: datetime) -> Iterator[Step]:
    """Yield the requests of the story that begins at this midnight."""

    def moment(match: re.Match[str]) -> str:
        kind, day, hours, minutes, seconds, milliseconds = match.groups()
        at = start + timedelta(
            days=int(day) - 1,
            hours=int(hours),
            minutes=int(minutes),
            seconds=int(seconds),
            milliseconds=int(milliseconds or 0),
        )
        match kind:
            case "date":
                return format_datetime(at, usegmt=True)
            case "epoch":
                return str(round(at.timestamp() * 1_000))
            case _:
                return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    for line in _LINES:
        yield Step(**json.loads(_EPOCH.sub(moment, _TIME.sub(moment, line))))
