"""A logged call as a developer expects to see it: a request, a response, and what went wrong."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic_core import from_json, to_json

from api.web.showing.calls import Waterfall, waterfall
from api.web.showing.moments import span
from api.web.showing.wording import Tone, code_tone, gone, words
from application.views.hints import hint
from application.views.projections.system_log import milliseconds_of
from domain.events.integration import ExceptionLogged
from domain.events.records import Call, SystemLogRecorded

MOST_SHOWN = 200_000
"""How many characters of a body a page shows. The whole is in the native interface."""


class Body(NamedTuple):
    """A body of a call. gone says what happened to it, if it is not there any more."""

    text: str = ""
    is_json: bool = False
    gone: str | None = None
    is_cut: bool = False


class Side(NamedTuple):
    """A request or a response."""

    headers: Sequence[tuple[str, Any]]
    body: Body
    parameters: Sequence[tuple[str, str]] = ()


class ShownCall(NamedTuple):
    """A call."""

    method: str
    url: str
    code: int | None
    tone: Tone
    took: str | None
    facts: Sequence[tuple[str, Any]]
    request: Side
    response: Side
    waterfall: Waterfall | None = None
    exception: tuple[str, str] | None = None
    hint: str | None = None
    unreadable: str | None = None


def carrier_call(event: SystemLogRecorded, call: Call) -> ShownCall:
    """Return a call about an order."""
    fields = vars(event)
    taken = milliseconds_of(fields)
    timed = waterfall(call.durations)
    raw = call.raw_request_body if call.request_body is None else call.request_body
    return ShownCall(
        method=event.request_method or "Call",
        url=event.request_url or "",
        code=event.response_code,
        tone=code_tone(event.response_code),
        took=span(taken) if taken is not None else span(timed.total) if timed else None,
        facts=[(label, value) for label, value in _facts(event) if value],
        request=Side(list(_headers(call.request_headers)), body_of(raw)),
        response=Side(list(_headers(call.response_headers)), body_of(call.response_body)),
        waterfall=timed,
    )


def failed_call(event: ExceptionLogged, unreadable: str | None) -> ShownCall:
    """Return an integration's failed call."""
    request, response = event.request or {}, event.response or {}
    additional = event.additional_data
    return ShownCall(
        method=event.method or "Call",
        url=event.full_url or event.base_url,
        code=event.response_code,
        tone="bad",
        took=None,
        facts=[("Base address", event.base_url), *([("More", additional)] if additional else [])],
        request=_side(request),
        response=_side(response),
        exception=(event.exception_type or "Exception", event.exception or ""),
        hint=hint(event.exception_type, event.response_code, event.exception),
        unreadable=unreadable,
    )


def body_of(value: Any) -> Body:
    """Return a body, laid out if it is JSON."""
    if value is None or value == "":
        return Body()
    if (what := gone(value)) is not None:
        return Body(gone=what)
    if isinstance(value, str):
        laid_out = _laid_out(value)
        text, is_json = (value, False) if laid_out is None else (laid_out, True)
    else:
        text, is_json = to_json(value, indent=2).decode(), True
    return Body(text[:MOST_SHOWN], is_json, is_cut=len(text) > MOST_SHOWN)


def _laid_out(text: str) -> str | None:
    if text.lstrip()[:1] not in {"{", "["} or len(text) > MOST_SHOWN * 5:
        return None
    try:
        return to_json(from_json(text), indent=2).decode()
    except ValueError:
        return None


def _headers(headers: Mapping[str, Iterable[str]] | None) -> Iterator[tuple[str, str]]:
    for name, values in (headers or {}).items():
        yield from ((name, value) for value in values)


def _side(told: Mapping[str, Any]) -> Side:
    """Return a request or a response as an integration's client describes it."""
    if gone(dict(told)) is not None:
        return Side([], body_of(told))
    headers = told.get("headers")
    rest = {name: value for name, value in told.items() if name != "headers"}
    payload = rest.pop(next((name for name in ("payload", "body", "data", "content") if name in rest), ""), None)
    shown = list(headers.items()) if isinstance(headers, dict) else []
    return Side(shown, body_of(payload), [(words(name), str(value)) for name, value in rest.items()])


def _facts(event: SystemLogRecorded) -> Iterator[tuple[str, Any]]:
    yield "Carrier", event.carrier_id
    yield "Direction", event.direction
    yield "For", words((event.request_type or "").lower())
    yield "From", " ".join(part for part in (event.source_type, event.source_id) if part)
    yield "Webhook", event.webhook_id
    yield "About", ", ".join(event.entity_ids or ())
