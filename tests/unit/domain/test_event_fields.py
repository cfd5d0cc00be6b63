"""What the fields of events may hold: nothing that could not be stored, found, and read again."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import ValidationError

from domain.events.catalogue import CATALOGUE
from domain.events.event import Event
from domain.events.integration import ExceptionLogged
from domain.events.lifecycle import CommentAdded, StatusUpdated
from domain.events.payment import PaymentMethodChanged
from domain.events.records import CallDurations, SystemLogRecorded
from domain.values import MAX_BIGINT, MAX_JSON_DEPTH, Change
from tests.builders import a_moment, a_service_event, an_event, an_exception, money

EVENTS = pytest.mark.parametrize("event_class", CATALOGUE.values(), ids=CATALOGUE)

OF_ANY_LENGTH = {
    (CommentAdded, "text"),
    (ExceptionLogged, "additional_data"),
    (ExceptionLogged, "base_url"),
    (ExceptionLogged, "exception"),
    (ExceptionLogged, "full_url"),
    (SystemLogRecorded, "request_url"),
}


def strings(schema: Any, where: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every string of a JSON schema that a client may choose freely, and where it is."""
    if isinstance(schema, list):
        for part in schema:
            yield from strings(part, where)
    elif isinstance(schema, dict):
        if schema.get("type") == "string" and not {"enum", "const", "format"} & schema.keys():
            yield where, schema
        for key, part in schema.items():
            yield from strings(part, f"{where}.{key}" if where else key)


@EVENTS
def test_every_string_is_bounded_or_as_long_as_a_request_may_be(event_class: type[Event]) -> None:
    of_any_length = {f"properties.{name}" for owner, name in OF_ANY_LENGTH if owner is event_class}

    unbounded = {
        where.partition(".anyOf")[0]
        for where, schema in strings(event_class.model_json_schema())
        if "maxLength" not in schema and not re.search(r"\{\d+\}\$$", schema.get("pattern", ""))
    }

    # The stream's name is made by us, of an id that was checked where it came in.
    assert unbounded - {"properties.originator_id"} == of_any_length


@EVENTS
def test_no_string_may_hold_a_nul_but_what_was_said_in_a_call(event_class: type[Event]) -> None:
    raw = {f"properties.{name}" for owner, name in OF_ANY_LENGTH if owner is event_class is not CommentAdded}
    for where, schema in strings(event_class.model_json_schema()):
        if where.partition(".anyOf")[0] not in {"properties.originator_id", *raw}:
            assert re.search(schema["pattern"], "a\x00b") is None, where


def test_a_string_that_is_too_long_is_refused() -> None:
    assert an_event(StatusUpdated, status="x" * 255).status

    with pytest.raises(ValidationError, match="at most 255"):
        an_event(StatusUpdated, status="x" * 256)


def test_a_comment_may_have_many_lines_but_no_nul() -> None:
    assert an_event(CommentAdded, text="one\ntwo\n").text == "one\ntwo\n"

    with pytest.raises(ValidationError):
        an_event(CommentAdded, text="one\n\x00two")


def test_a_language_may_not_hold_a_nul() -> None:
    with pytest.raises(ValidationError):
        an_event(PaymentMethodChanged, method=Change(before={"en\x00": "cash"}, after={"en": "card"}))


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_is_not_finite_is_refused_wherever_it_stands(number: float) -> None:
    with pytest.raises(ValidationError):
        money().model_validate({**money().model_dump(), "dollars": number})
    with pytest.raises(ValidationError):
        CallDurations(total_duration=number)
    with pytest.raises(ValidationError, match="not finite"):
        a_service_event(metadata={"deep": [{"er": number}]})
    with pytest.raises(ValidationError, match="not finite"):
        an_exception(additional_data={"n": number})


@pytest.mark.parametrize("field", ["request", "response", "additional_data"])
@pytest.mark.parametrize("json", [{"a": "\ud800"}, {"\udfff": 1}])
def test_what_was_said_in_a_call_holds_no_half_of_a_character(field: str, json: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="surrogate"):
        an_exception(**{field: json})


@pytest.mark.parametrize("field", ["request", "response", "additional_data"])
@pytest.mark.parametrize("json", [{"a": ["b", {"c": "\x00"}]}, {"a\x00": 1}])
def test_what_was_said_in_a_call_may_hold_a_nul(field: str, json: dict[str, Any]) -> None:
    assert getattr(an_exception(**{field: json}), field) == json


@pytest.mark.parametrize(
    ("json", "complaint"),
    [
        ({"a": ["b", {"c": "\x00"}]}, "NUL"),
        ({"a\x00": 1}, "NUL"),
        ({"a": "\ud800"}, "surrogate"),
        ({"\udfff": 1}, "surrogate"),
    ],
)
def test_other_json_holds_neither(json: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        a_service_event(metadata=json)


def test_free_json_may_hold_any_character_that_is_one() -> None:
    json = {"emoji": "👩‍🚀", "zh": ["宅配", None, True, 1.5, -(10**30)]}

    assert a_service_event(metadata=json).metadata == json


def test_free_json_is_nested_at_most_64_levels_deep() -> None:
    def nested(levels: int) -> dict[str, Any]:
        return {} if levels == 0 else {"a": nested(levels - 1)}

    assert a_service_event(metadata=nested(MAX_JSON_DEPTH)).metadata

    with pytest.raises(ValidationError, match="64 levels"):
        a_service_event(metadata=nested(MAX_JSON_DEPTH + 1))


@pytest.mark.parametrize("number", [MAX_BIGINT + 1, -MAX_BIGINT - 2])
def test_an_integer_that_a_bigint_cannot_hold_is_refused(number: int) -> None:
    with pytest.raises(ValidationError):
        money(number)
    with pytest.raises(ValidationError):
        an_event(SystemLogRecorded, request_time=number)


def test_times_are_kept_in_utc() -> None:
    in_taipei = datetime(2026, 3, 1, 20, tzinfo=timezone(timedelta(hours=8)))

    event = an_event(timestamp=in_taipei)

    assert event.timestamp == a_moment()
    assert event.timestamp.tzinfo is UTC
    assert event.occurred_at == event.timestamp


@pytest.mark.parametrize(
    "moment",
    [datetime(2026, 3, 1, 12), datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)],
)
def test_a_time_without_a_zone_or_at_the_end_of_time_is_refused(moment: datetime) -> None:
    with pytest.raises(ValidationError):
        an_event(timestamp=moment)


@pytest.mark.parametrize("event_id", ["", "two words", "naïve", "x" * 129, "nul\x00"])
def test_an_event_id_is_visible_ascii(event_id: str) -> None:
    with pytest.raises(ValidationError):
        an_event(event_id=event_id)
