"""An entry is shown whatever its event says, and whatever it leaves out."""

import json
from typing import Any

import pytest

from api.web.rendering import environment
from api.web.showing.call_view import carrier_call, failed_call
from api.web.showing.entries import by_day, shown_event
from application.ledger.port import RecordedEvent
from domain.events.catalogue import CATALOGUE
from domain.events.records import Call, CallDurations
from tests.builders import NOON, a_system_log, an_exception
from tests.samples import one_of_each

ACTORS: list[Any] = [
    None,
    {},
    {"id": "7"},
    {"name": "Ada"},
    {"type": "Staff"},
    {"id": "[redacted]", "name": "[redacted]"},
    {"id": "7", "name": "Ada", "type": "Customer", "application_id": "shop"},
]


def recorded(type_: str, data: bytes, actor: Any) -> RecordedEvent:
    metadata = json.dumps({"schema_version": 1} | ({} if actor is None else {"actor": actor})).encode()
    stream = "integration-7" if type_.startswith("integration.") else "order-1001"
    return RecordedEvent(
        position=3,
        stream=stream,
        version=2,
        event_id="e1",
        type=type_,
        data=data,
        metadata=metadata,
        occurred_at=NOON,
        recorded_at=NOON,
    )


def shown(event: RecordedEvent) -> str:
    """Return an event as it is in a timeline, after it was shown on a page of its own."""
    macros = environment().get_template("entry.html").module
    [day] = by_day([shown_event(event)])
    entry = day.runs[0].entries[0]
    page = environment().get_template("event.html")
    known = {"order_id": "1001", "is_own": True, "raw": "{}", "curl": "", "part": True, "may": lambda scope: True}
    assert "Raw event" in page.render(entry=entry, **known)
    text: str = macros.shown(entry, "1001")  # type: ignore[attr-defined]
    return text


@pytest.mark.parametrize("actor", ACTORS, ids=str)
def test_an_entry_is_shown_whoever_did_it(actor: Any) -> None:
    for event in one_of_each():
        assert 'id="e3"' in shown(recorded(event.type, event.data, actor))


@pytest.mark.parametrize("data", [b"{}", b"[]", b"null", b"7", b"{", b'{"status":null}', b'{"before":{},"after":[1]}'])
def test_an_entry_is_shown_whatever_was_stored(data: bytes) -> None:
    for type_ in (*CATALOGUE, "billing.invoiced", "order.unheard_of"):
        assert 'id="e3"' in shown(recorded(type_, data, {"id": "7"}))


SIDES: list[Any] = [
    None,
    {},
    {"headers": None, "payload": None},
    {"headers": ["a", "b"], "data": [1]},
    {"headers": {"Accept": ["a", 1], "Age": None}, "body": {"a": {}}, "timeout": 3.5},
    {"headers": "[redacted]"},
    {"content": "[expired]"},
]


@pytest.mark.parametrize("side", SIDES, ids=str)
def test_a_failed_call_is_shown_whatever_its_client_told_of_it(side: Any) -> None:
    call = failed_call(an_exception(request=side, response=side, exception=None, additional_data=side or ""), None)

    page = (
        environment()
        .get_template("call.html")
        .render(call=call, back=[], occurred_at=NOON, correlation_id=None, event_path=None, part=True)
    )

    assert "Response" in page


@pytest.mark.parametrize("headers", [None, {}, {"Accept": ["a", "b"]}, {"X": []}])
@pytest.mark.parametrize(
    "durations", [None, CallDurations(), CallDurations(total_duration=0.5, connection_reused=True)]
)
def test_a_call_is_shown_whatever_is_known_of_it(headers: Any, durations: CallDurations | None) -> None:
    told = Call(request_headers=headers, response_headers=headers, durations=durations)
    event = a_system_log(carrier_id=None, response_code=None, direction=None)

    page = (
        environment()
        .get_template("call.html")
        .render(
            call=carrier_call(event, told), back=[], occurred_at=NOON, correlation_id="c", event_path="/", part=True
        )
    )

    assert "no answer" in page
