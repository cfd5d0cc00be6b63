"""The codec: an event is stored in two parts, without nulls, and comes back as it was."""

import json
from enum import Enum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import to_jsonable_python

from application.ledger.codec import decode, draft, encode, fields_of, metadata_of, new_event_id
from domain.errors import InvalidEvent
from domain.events.lifecycle import CommentAdded
from domain.values import Actor
from tests import samples
from tests.builders import (
    a_created_event,
    a_customer,
    a_foreign_event,
    a_moment,
    a_service_event,
    an_actor,
    an_event,
    an_exception,
    recorded,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
RAW = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda children: st.lists(children, max_size=4) | st.dictionaries(TEXT, children, max_size=4),
    max_leaves=8,
)


def test_data_holds_the_events_own_fields_and_metadata_the_envelopes() -> None:
    event = an_event(actor=an_actor(), correlation_id="c", causation_id="d", event_id="e", reason="paid")

    stored = encode(event)

    assert json.loads(stored.data) == {"status": "confirmed", "reason": "paid"}
    assert json.loads(stored.metadata) == {
        "schema_version": 1,
        "actor": {"id": "u1", "name": "Ada", "type": "Staff"},
        "correlation_id": "c",
        "causation_id": "d",
    }
    assert (stored.event_id, stored.type, stored.occurred_at) == ("e", "order.status_updated", a_moment())


def test_what_is_left_out_is_not_stored() -> None:
    stored = encode(an_event(CommentAdded, event_id="e"))

    assert json.loads(stored.data) == {"text": "", "is_private": False}
    assert stored.metadata == b'{"schema_version":1}'


def test_nulls_inside_free_json_are_kept() -> None:
    stored = encode(a_service_event(metadata={"courier": None, "stops": [None]}))

    assert json.loads(stored.data)["metadata"] == {"courier": None, "stops": [None]}


@given(JSON, TEXT, RAW)
def test_json_that_is_written_later_has_the_same_bytes(value: Any, text: str, raw: str) -> None:
    """So an event that was recorded by an earlier release is recognised when it is told again."""
    for event in (
        a_service_event(metadata={"value": value}, description=text, event_id="e"),
        a_created_event(customer=a_customer(name=text[:100] or "Ann"), event_id="e"),
        an_event(CommentAdded, text=text, custom_data={text: value}, event_id="e"),
        an_exception(exception=raw, request={raw: value, "payload": raw}, event_id="e"),
    ):
        at_once = event.__pydantic_serializer__.to_json(event, include=set(event.data_fields()), exclude_none=True)

        assert encode(event).data == at_once


@pytest.mark.parametrize("name", samples.NAMES)
def test_the_values_of_every_type_are_those_that_its_model_writes(name: str) -> None:
    event = decode(samples.stored(name))
    drafted = draft(event)
    own = {"include": set(event.data_fields()), "exclude_none": True}

    if isinstance(drafted.data, dict):
        assert drafted.data == event.model_dump(mode="json", **own)
        assert list(drafted.data) == list(event.model_dump(mode="json", **own))
        assert not [value for value in drafted.data.values() if isinstance(value, Enum)]
    assert drafted.written().data == event.__pydantic_serializer__.to_json(event, **own)


def test_an_event_without_an_id_gets_one_when_it_is_stored() -> None:
    event = an_event()

    assert encode(event).event_id
    assert encode(event).event_id != encode(event).event_id


def test_event_ids_sort_by_the_time_they_were_made() -> None:
    ids = [new_event_id() for _ in range(1_000)]

    assert ids == sorted(set(ids))


def test_a_stored_event_comes_back_as_it_was() -> None:
    event = a_created_event(
        originator_version=3, event_id="e1", actor=an_actor(application_id="app"), correlation_id="c", causation_id="d"
    )

    assert decode(recorded(event)) == event


@given(metadata=st.dictionaries(TEXT, JSON, max_size=4), description=TEXT, name=TEXT)
def test_whatever_a_client_may_send_comes_back_as_it_was(metadata: dict[str, Any], description: str, name: str) -> None:
    event = a_service_event(
        metadata=metadata, description=description, actor=Actor(name=name), event_id="e", originator_version=1
    )

    assert decode(recorded(event)) == event


@pytest.mark.parametrize("name", samples.NAMES)
def test_the_own_fields_of_an_event_are_those_that_decoding_gives_it_as_json_has_them(name: str) -> None:
    stored = samples.stored(name)

    fields = fields_of(stored, metadata_of(stored))

    assert to_jsonable_python(fields) == decode(stored).model_dump(mode="json", include=set(fields))
    assert fields.keys() == decode(stored).data_fields()


def test_what_a_stored_event_leaves_out_is_its_default() -> None:
    stored = recorded(an_event(CommentAdded))._replace(data=b'{"text":"Hi"}')

    assert fields_of(stored, metadata_of(stored)) == {
        "text": "Hi",
        "is_private": False,
        "sender": None,
        "media_id": None,
        "subject_type": None,
        "subject_id": None,
        "custom_data": None,
    }


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"status":null}', b'{"status":"a","colour":"red"}'])
def test_own_fields_that_cannot_be_read_are_an_invalid_event(data: bytes) -> None:
    damaged = recorded(an_event(), position=17)._replace(data=data)

    with pytest.raises(InvalidEvent, match=r"Event 17 \(order.status_updated\) cannot be read"):
        fields_of(damaged, metadata_of(damaged))


def test_events_with_the_same_metadata_share_what_was_read_of_it() -> None:
    one, other = recorded(an_event()), recorded(an_event(CommentAdded, text="Hi"))

    assert one.metadata == other.metadata
    assert metadata_of(one) is metadata_of(other)


def test_metadata_that_cannot_be_read_is_an_invalid_event() -> None:
    with pytest.raises(InvalidEvent, match=r"Event 1 .* cannot be read"):
        metadata_of(recorded(an_event())._replace(metadata=b""))


def test_a_type_that_is_not_in_the_catalogue_is_an_invalid_event() -> None:
    with pytest.raises(InvalidEvent, match=r"Event 1 has type 'library.book_lent'"):
        decode(a_foreign_event())


@pytest.mark.parametrize(
    "damage",
    [
        {"data": b""},
        {"data": b"not json"},
        {"data": b"[]"},
        {"data": b"null"},
        {"data": b"{}"},
        {"data": b'{"status":null}'},
        {"data": b'{"status":"a","colour":"red"}'},
        *({"data": json.dumps({"status": "a", name: "b"}).encode()} for name in ("originator_id", "timestamp")),
        {"metadata": b""},
        {"metadata": b"[]"},
        {"metadata": b'"text"'},
        {"metadata": b'{"schema_version":"new"}'},
        {"metadata": b'{"actor":{"colour":"red"}}'},
        {"metadata": b'{"mood":"good"}'},
        {"metadata": b'{"originator_id":"order-2"}'},
    ],
)
def test_a_damaged_event_is_an_invalid_event_that_names_its_position(damage: dict[str, bytes]) -> None:
    damaged = recorded(an_event(), position=17)._replace(**damage)  # type: ignore[arg-type]

    with pytest.raises(InvalidEvent, match=r"Event 17 \(order.status_updated\) cannot be read"):
        decode(damaged)
