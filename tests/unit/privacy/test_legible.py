"""What can be read of events that are not as they were recorded, and what is said of the rest."""

import json
import logging
from typing import Any

import pytest

from application.ledger.codec import DAMAGE, decode
from application.ledger.port import RecordedEvent
from application.privacy.legible import legible, legibly, why_unreadable
from application.privacy.notices import Noticed
from domain.errors import InvalidEvent
from domain.events.lifecycle import Edited
from domain.values import Change
from tests.builders import ACME, a_foreign_event, a_ledger, an_actor, an_event, money, recorded
from tests.samples import one_of_each

READABLE = recorded(an_event(actor=an_actor()))
ACTOR = {"id": "u1", "name": "Ada", "type": "Staff"}


@pytest.mark.parametrize("event", one_of_each(), ids=lambda event: event.type)
def test_events_as_they_are_stored_can_be_read(event: RecordedEvent) -> None:
    assert legible(event) == (json.loads(event.data), json.loads(event.metadata), None)


@pytest.mark.parametrize(
    ("damage", "why", "data"),
    [
        ({"data": b"{"}, "its data is not a JSON object", None),
        ({"data": b"[1]"}, "its data is not a JSON object", None),
        ({"data": b'{"status": NaN}'}, "its data is not a JSON object", None),
        ({"data": b"{}"}, "status is missing", {}),
        ({"data": b'{"status": null}'}, "it holds a null, which is never stored", {"status": None}),
        ({"data": b'{"status": "x", "eaten": 1}'}, "these fields cannot stand together", {"status": "x", "eaten": 1}),
        ({"metadata": b'{"schema_version": 2}'}, "its schema is 2, and this version knows 1", {"status": "confirmed"}),
        ({"metadata": b"{"}, "its metadata is not that of an event", None),
        ({"metadata": b"[]"}, "its metadata is not that of an event", None),
        ({"metadata": b'{"actor": 7}'}, "its metadata is not that of an event", None),
        ({"type": "order.eaten"}, "this version does not know its type", {"status": "confirmed"}),
    ],
)
def test_what_is_not_as_it_is_stored_is_told_and_shown_as_far_as_it_is_known_what_it_is(
    damage: dict[str, Any], why: str, data: dict[str, Any] | None
) -> None:
    found = legible(READABLE._replace(**damage))

    assert (found.unreadable or "").startswith(why)
    assert found.data is None if data is None else (found.data or {}).items() >= data.items()
    assert found.metadata.get("actor", ACTOR) == ACTOR


def test_why_an_event_cannot_be_decoded_is_told_without_what_it_says() -> None:
    edited = an_event(
        Edited, **{name: Change(before=money(), after=money(1)) for name in ("total", "subtotal", "discount")}
    )
    secret = recorded(edited)._replace(data=b'{"total": {"before": "Ann Li"}, "subtotal": 1, "discount": 2}')

    with pytest.raises(InvalidEvent) as refused:
        decode(secret)

    assert "Ann Li" not in str(refused.value)
    assert str(refused.value).startswith("Event 1 (order.edited) cannot be read: ")


def test_events_of_other_applications_are_none_of_ours_to_read() -> None:
    assert why_unreadable(a_foreign_event()) is None


def test_entries_that_cannot_be_shown_are_left_out_or_replaced_and_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    events = [
        event._replace(position=event.position + 10_000) for event in a_ledger(an_event(), an_event(), an_event())
    ]

    def show(event: RecordedEvent) -> int:
        if event.position == 10_002:
            raise KeyError("status")
        return event.position

    with caplog.at_level(logging.ERROR):
        left_out = [legibly(ACME, show)(event) for event in events]
        replaced = [legibly(ACME, show, instead=lambda event: -event.position)(event) for event in events]

    assert (left_out, replaced) == ([10_001, None, 10_003], [10_001, -10_002, 10_003])
    assert [record.getMessage() for record in caplog.records] == [
        "Tenant acme: event 10002 cannot be read: status is missing"
    ]


def test_what_is_a_mistake_of_ours_is_not_taken_for_damage() -> None:
    def show(_event: RecordedEvent) -> None:
        raise ZeroDivisionError

    assert ZeroDivisionError not in DAMAGE
    with pytest.raises(ZeroDivisionError):
        legibly(ACME, show)(READABLE)


def test_what_was_noticed_is_forgotten_before_it_is_too_much() -> None:
    noticed = Noticed(most=2)

    assert [noticed.is_new(thing) for thing in "aabbca"] == [True, False, True, False, True, True]
