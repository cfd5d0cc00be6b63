"""Personal data is found in stored JSON wherever a type of event is marked to hold it."""

from typing import Annotated, Any

import pytest
from pydantic import Field

from domain.events.catalogue import CATALOGUE
from domain.events.event import Event
from domain.personal import REDACTED, REDACTED_OBJECT, placeholder, places, shape_of
from domain.values import OF_ORDER, OF_PERFORMER, Actor, Change, Customer, JsonObject, Name, Value


class Parcel(Value):
    """A value that holds personal data in every way a value can."""

    to: Customer | None = None
    also_to: list[Customer] = Field(default_factory=list)
    moved: Change[Customer] | None = None
    note: Annotated[Name | None, OF_ORDER] = None
    extras: Annotated[JsonObject | None, OF_ORDER] = None
    either: Annotated[JsonObject | Name, OF_ORDER] = ""
    packer: Annotated[Name, OF_PERFORMER] = ""
    weight: int = 0


def found(value: dict[str, Any], model: type[Any] = Parcel) -> dict[str, Any]:
    return {path: holder[name] for holder, name, _, path in places(value, shape_of(model))}


def test_a_marked_member_is_found_by_its_name() -> None:
    assert found({"note": "at the back", "weight": 3, "extras": {"a": 1}}) == {
        "note": "at the back",
        "extras": {"a": 1},
    }


def test_members_of_values_within_are_found_by_their_paths() -> None:
    before, after = {"id": "c1", "name": "Ann"}, {"name": "Bob"}

    assert found({"to": before, "moved": {"before": before, "after": after}}) == {
        "to.id": "c1",
        "to.name": "Ann",
        "moved.before.id": "c1",
        "moved.before.name": "Ann",
        "moved.after.name": "Bob",
    }


def test_the_items_of_a_list_are_told_apart() -> None:
    assert found({"also_to": [{"id": "c1"}, {"id": "c2", "name": "Bob"}]}) == {
        "also_to.0.id": "c1",
        "also_to.1.id": "c2",
        "also_to.1.name": "Bob",
    }


def test_what_says_nothing_is_no_personal_data() -> None:
    assert found({"note": "", "extras": {}, "to": {"id": "", "name": ""}, "either": None, "also_to": []}) == {}


def test_the_performers_data_is_told_from_the_orders() -> None:
    told = {"note": "at the back", "packer": "Eve"}

    assert {path: member.mark for _, _, member, path in places(told, shape_of(Parcel))} == {
        "note": OF_ORDER,
        "packer": OF_PERFORMER,
    }


def test_what_is_always_an_object_is_redacted_as_one() -> None:
    told = {"note": "at the back", "extras": {"a": 1}, "either": "x"}

    assert {path: placeholder(h[name], member) for h, name, member, path in places(told, shape_of(Parcel))} == {
        "note": REDACTED,
        "extras": REDACTED_OBJECT,
        "either": REDACTED,
    }
    [(holder, name, member, _)] = places({"either": {"a": 1}}, shape_of(Parcel))
    assert placeholder(holder[name], member) == REDACTED_OBJECT


def test_who_changes_a_place_changes_nothing_that_the_value_is_made_of() -> None:
    customer, moved = {"id": "c1"}, [{"id": "c2"}]
    value = {"to": customer, "also_to": moved}

    for holder, name, _, _ in places(value, shape_of(Parcel)):
        holder[name] = "gone"

    assert value == {"to": {"id": "gone"}, "also_to": [{"id": "gone"}]}
    assert (customer, moved) == ({"id": "c1"}, [{"id": "c2"}])


@pytest.mark.parametrize("event_class", CATALOGUE.values(), ids=CATALOGUE)
def test_the_envelope_is_not_part_of_an_events_data(event_class: type[Event]) -> None:
    assert shape_of(event_class).keys() <= event_class.data_fields()


def test_of_an_actor_the_name_is_personal() -> None:
    assert found({"id": "u1", "name": "Ada", "type": "Staff"}, Actor) == {"name": "Ada"}
