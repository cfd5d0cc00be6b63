"""Values in SHOPLINE's shapes: money, texts in several languages, times, ids."""

import re
import secrets
import time
from datetime import UTC, datetime
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from domain.values import Change, Moment, Money

_SEEN = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))? ?(UTC|[Zz]|[+-]\d\d:?\d\d)?", flags=re.ASCII
)
_MOMENT: TypeAdapter[datetime] = TypeAdapter(Moment)


def rendered(value: Any) -> Any:
    """Return an event's value in SHOPLINE's form. A pair of before and after is an array of two there."""
    match value:
        case Change():
            return [rendered(value.before), rendered(value.after)]
        case Money():
            return value.model_dump()
        case dict():
            # SHOPLINE writes languages in lower case with hyphens: zh-hant.
            return {language.lower().replace("_", "-"): text for language, text in value.items()}
        case _:
            return value


class SeenTime(NamedTuple):
    """A time of ours as a client knows it: with so many digits of a second, and without the rest."""

    moment: datetime
    digits: int

    def is_of(self, moment: datetime) -> bool:
        """Return whether this is how the client would see that moment."""
        unit = 10 ** (6 - self.digits)
        return moment.replace(microsecond=moment.microsecond // unit * unit) == self.moment


def seen_time(text: Any) -> SeenTime:
    """Return a time, in UTC unless it says otherwise: 2022-08-05 07:59:09, or one of ours. Raises ValueError."""
    match = _SEEN.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError("is not a time such as 2022-08-05 07:59:09")
    day, clock, fraction, zone = match.groups()
    zone = "Z" if zone in {None, "UTC"} else zone if zone in {"Z", "z"} else f"{zone[:3]}:{zone[-2:]}"
    digits = (fraction or "")[:6]
    try:
        written = f"{day}T{clock}.{digits:0<6}{zone}"
        return SeenTime(_MOMENT.validate_python(written), len(digits))
    except ValidationError as exc:
        raise ValueError(exc.errors()[0]["msg"].removeprefix("Value error, ")) from exc


def zulu(moment: datetime) -> str:
    """Return a time in the form of the action log: 2021-11-02T04:06:13.304Z."""
    return offset(moment).replace("+00:00", "Z")


def offset(moment: datetime) -> str:
    """Return a time in the form of the other objects: 2021-11-02T04:06:13.304+00:00."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


def new_object_id() -> str:
    """Return an id in the form of SHOPLINE's objects: 24 hexadecimal digits, beginning with the time in seconds."""
    return f"{int(time.time()):08x}{secrets.token_hex(8)}"
