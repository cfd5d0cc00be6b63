"""The pages under docs/ say what the code says."""

import json
import re
from collections.abc import Iterator
from typing import get_type_hints

import pytest

from application.ledger.codec import encode
from domain.events.catalogue import CATALOGUE
from domain.events.event import ENVELOPE, Event
from domain.events.integration import FailedCall
from domain.events.records import Call, CallDurations, CallTimings
from domain.order import DECISIONS
from domain.personal import Shape, shape_of
from domain.values import (
    OF_ORDER,
    Actor,
    BodyRef,
    Change,
    Customer,
    Money,
    Origin,
    Personal,
    Totals,
    Value,
)
from tests.event_docs import fields_in_words, type_in_words
from tests.paths import ROOT

PAGE = (ROOT / "docs" / "events.md").read_text()
VALUES: tuple[type[Value], ...] = (Actor, Origin, BodyRef, Customer, Money, Totals, Call, FailedCall)


def section(heading: str) -> str:
    """Return what the page says under a heading."""
    return re.split(r"^##+ .*$", PAGE.split(f"## {heading}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def table(text: str) -> list[list[str]]:
    """Return the cells of a section's rows, without the rows that head its tables."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    heads = {index for index, row in enumerate(rows) if set(row[0]) == {"-"}}
    return [row for index, row in enumerate(rows) if not {index, index + 1} & heads]


def listed_fields(name: str, label: str) -> dict[str, list[str]]:
    """Return the fields that follow a label in each item of a list whose name has this form."""
    items = re.findall(rf"^- ({name}): (.*(?:\n  .*)*)", PAGE, re.MULTILINE)
    parts = {name: re.sub(r"\s+", " ", text).partition(f" {label}: ")[2] for name, text in items}
    return {name: fields.split(" · ") if fields else [] for name, fields in parts.items()}


def documented_events() -> dict[str, list[str]]:
    """Return the fields the page names for each type: below its item of a list, or in a table of its own."""
    in_lists = {topic.strip("`"): fields for topic, fields in listed_fields(r"`\w+\.\w+`", "Data").items()}
    of_their_own = {
        topic: [f"{row[0]} {row[1]}" for row in table(section(f"`{topic}`"))]
        for topic in re.findall(r"^### `(.+)`$", PAGE, re.MULTILINE)
    }
    assert not in_lists.keys() & of_their_own.keys()
    return in_lists | of_their_own


def members_of(value: type[Value]) -> list[str]:
    return listed_fields(r"\*\*\w+\*\*", "Members")[f"**{value.__name__}**"]


def test_every_type_of_event_is_documented_and_nothing_else() -> None:
    assert sorted(documented_events()) == sorted(CATALOGUE)


@pytest.mark.parametrize(("topic", "event_class"), CATALOGUE.items())
def test_every_field_of_an_event_is_documented_with_its_type_and_marks(topic: str, event_class: type[Event]) -> None:
    assert documented_events()[topic] == fields_in_words(event_class)


@pytest.mark.parametrize("value", VALUES)
def test_every_member_of_a_value_is_documented_with_its_type_and_marks(value: type[Value]) -> None:
    assert members_of(value) == fields_in_words(value)


@pytest.mark.parametrize("value", [CallTimings, CallDurations, Change])
def test_every_member_of_a_value_of_one_type_is_documented(value: type[Value]) -> None:
    assert [member.strip("`?") for member in members_of(value)] == list(value.model_fields)


def test_the_envelope_is_documented() -> None:
    named = {row[1].strip("`") for row in table(section("The envelope"))}

    assert named - {""} == ENVELOPE | {"topic"}


def listed(heading: str) -> dict[tuple[str, str], str]:
    """Return the last cell of the row in which each field of a type of event is listed, by type and field."""
    found: dict[tuple[str, str], str] = {}
    for _, fields, topics, *rest in table(section(heading)):
        for topic in re.findall(r"`(.+?)`", topics) or [topics]:
            for field in re.findall(r"`(.+?)`", fields):
                assert (topic, field) not in found
                found[topic, field] = rest[0] if rest else ""
    return found


def personal_fields(shape: Shape, path: str = "") -> Iterator[tuple[str, Personal]]:
    """Yield the paths of what is personal in data of this shape, and whose it is."""
    for name, member in shape.items():
        if member.mark is not None:
            yield path + name, member.mark
        yield from personal_fields(member.inner, f"{path}{name}.")


def test_what_is_personal_is_in_one_list() -> None:
    whose = "actor (1)"
    expected = {("every event", f"actor.{field}"): whose for field, _ in personal_fields(shape_of(Actor))}
    for topic, event_class in CATALOGUE.items():
        for field, mark in personal_fields(shape_of(event_class)):
            assert mark is OF_ORDER
            expected[topic, field] = topic.partition(".")[0]

    assert listed("What is personal") == expected


def test_texts_and_objects_that_are_not_personal_are_in_another() -> None:
    expected = set()
    for topic, event_class in CATALOGUE.items():
        for name in event_class.data_fields() - shape_of(event_class).keys():
            words = type_in_words(get_type_hints(event_class, include_extras=True)[name])
            if not re.fullmatch(r"integer|number|true or false|Totals|Change of Money|BodyRef|\w+( / \w+)+", words):
                expected.add((topic, name))

    assert listed("What is not").keys() == expected


def test_the_decisions_are_documented() -> None:
    named = re.findall(r"`(order\.\w+)`", section("Facts and decisions"))

    assert named == [event.topic for event in DECISIONS]


def test_the_number_of_types_is_right() -> None:
    assert f"There are {len(CATALOGUE)} types" in PAGE


def test_the_example_can_be_recorded() -> None:
    (example,) = re.findall(r"^```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    sent = json.loads(example)

    event_class = CATALOGUE[sent["type"]]

    event = event_class(
        originator_id="order-A-1001", actor=sent["actor"], timestamp=sent["occurred_at"], **sent["data"]
    )
    assert json.loads(encode(event).data) == sent["data"]
