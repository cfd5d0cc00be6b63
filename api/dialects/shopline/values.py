"""Values in SHOPLINE's shapes: money, texts in several languages, times, ids."""

import secrets
import time
from datetime import UTC, datetime
from typing import Any

from domain.values import Change, Money


def rendered(value: Any) -> Any:
    """Return a value of an event as SHOPLINE writes it; a pair of before and after is an array of two there."""
    match value:
        case Change():
            return [rendered(value.before), rendered(value.after)]
        case Money():
            return value.model_dump()
        case dict():
            # SHOPLINE writes its languages in lower case with hyphens: zh-hant.
            return {language.lower().replace("_", "-"): text for language, text in value.items()}
        case _:
            return value


def zulu(moment: datetime) -> str:
    """Return a time as the action log has it: 2021-11-02T04:06:13.304Z."""
    return offset(moment).replace("+00:00", "Z")


def offset(moment: datetime) -> str:
    """Return a time as the other objects have it: 2021-11-02T04:06:13.304+00:00."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


def new_object_id() -> str:
    """Return an id as SHOPLINE's objects have them: 24 hexadecimal digits, which begin with the time in seconds."""
    return f"{int(time.time()):08x}{secrets.token_hex(8)}"
