"""What the streams of the native interface share: where they begin, and who may have them for how long."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Header, Request
from pydantic import BeforeValidator, Field, WithJsonSchema

from api.http.accept import EVENT_STREAM, JSON, NDJSON, wanted_form
from api.http.reading.query import Digits
from api.http.security import token_of
from api.http.streaming import Reader
from api.services import Services
from application.access.callers import authorise
from application.delivery.streams import Streams
from domain.values import MAX_BIGINT

_NOW = "now"


def _none_for_now(sent: Any) -> Any:
    return None if sent == _NOW else sent


After = Annotated[
    Annotated[Digits, Field(ge=0, le=MAX_BIGINT)] | None,
    BeforeValidator(_none_for_now),
    WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": 0, "maximum": MAX_BIGINT}, {"const": _NOW}], "default": 0}
    ),
]
"""A position to go on after; None is the head at the time of the request."""

LastEventId = Annotated[
    Annotated[Digits, Field(ge=0, le=MAX_BIGINT)] | None,
    Header(alias="Last-Event-ID", description="The last id that a stream gave: it goes on after that"),
]

STREAMED: dict[str, Any] = {
    EVENT_STREAM: {
        "schema": {"type": "string", "description": "An event for each item; its id is the position to resume after"}
    },
    NDJSON: {"schema": {"type": "string", "description": "A line for each item; other lines have the member next"}},
}
"""The forms of an answer that goes on, for the documentation."""


def is_followed(arguments: Mapping[str, Any]) -> bool:
    """Return whether a request is for what is yet to come, by its endpoint's arguments."""
    return arguments["query"].wait > 0 or wanted_form(arguments["request"], (JSON, *STREAMED)) != JSON


def streams_of(request: Request) -> Streams:
    """Return the open streams of this process."""
    streams: Streams = request.app.state.streams
    return streams


def reader_of(request: Request, services: Services, scope: str | None) -> Reader:
    """Return the sender of a request, who was authorised for this scope, as the reader of a stream."""
    token = token_of(request)

    async def check() -> None:
        authorise(await services.access.by_bearer(token), scope)

    return Reader((token, scope), check)
