"""The form in which a client wants an answer, by its Accept header (RFC 9110, 12.5.1)."""

from collections.abc import Sequence
from typing import NamedTuple

from starlette.requests import Request

JSON = "application/json"
BATCH = "application/cloudevents-batch+json"
EVENT_STREAM = "text/event-stream"
NDJSON = "application/x-ndjson"
MAX_RANGES = 50
"""How many media ranges of a header are looked at."""


class _Range(NamedTuple):
    media_type: str
    weight: float

    def precision(self, media_type: str) -> int:
        """Return how precisely this range names a media type; 0 if it does not."""
        kind, _, name = self.media_type.partition("/")
        if self.media_type == media_type:
            return 3
        if kind == media_type.partition("/")[0] and name == "*":
            return 2
        return 1 if self.media_type in {"*/*", "*"} else 0


def wanted_form(request: Request, offered: Sequence[str]) -> str:
    """Return the offered media type that the client prefers. The first is for those who say nothing, or take none."""
    accept = ", ".join(request.headers.getlist("accept"))
    if not accept or accept in {"*/*", offered[0]}:
        return offered[0]
    ranges = [_range(part) for part in accept.split(",")[:MAX_RANGES]]
    found = {media_type: _preference(media_type, ranges) for media_type in offered}
    best = max(offered, key=lambda media_type: found[media_type])
    return best if found[best] > (0.0, 0) else offered[0]


def _range(text: str) -> _Range:
    media_type, *parameters = (part.strip().lower() for part in text.split(";"))
    weight = 1.0
    for name, _, value in (parameter.partition("=") for parameter in parameters):
        if name.strip() == "q":
            try:
                weight = float(value)
            except ValueError:
                weight = 0.0
    return _Range(media_type, weight)


def _preference(media_type: str, ranges: Sequence[_Range]) -> tuple[float, int]:
    """Return the weight of the range that names a media type most precisely, and how precisely it does."""
    precision, weight = max((r.precision(media_type), r.weight) for r in ranges)
    return (weight, precision) if precision and weight > 0 else (0.0, 0)
