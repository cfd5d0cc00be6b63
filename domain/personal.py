"""Where personal data stands in an event's stored JSON. This follows from the marks on the event's type."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from domain.events.event import Event
from domain.values import Personal

REDACTED = "[redacted]"
REDACTED_OBJECT = {"redacted": REDACTED}
UNREADABLE = "[unreadable]"
UNREADABLE_OBJECT = {"unreadable": UNREADABLE}
EXPIRED = "[expired]"
EXPIRED_OBJECT = {"expired": EXPIRED}


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a JSON object that is personal data, or that holds some in an object or a list of objects."""

    mark: Personal | None
    is_object: bool
    """Whether its value is never a text. It is then shown as an object when it is redacted or unreadable."""
    inner: "Shape"


Shape = Mapping[str, Member]
"""The members of a JSON object that are, or hold, personal data, by their names."""


Place = tuple[dict[str, Any], str, Member, str]
"""The place of personal data: the JSON object that holds it, its name there, its member, its path."""


def places(value: dict[str, Any], shape: Shape, path: str = "") -> list[Place]:
    """Return the places of personal data in a JSON object of this shape, with paths such as new_customer.name.

    A value that says nothing, such as an empty text, is not personal data. Inner objects that may hold some are copied,
    so that changing a place changes this object and no other.
    """
    found: list[Place] = []
    for name, member in shape.items():
        given = value.get(name)
        if not given:
            continue
        if member.mark is not None:
            found.append((value, name, member, path + name))
        elif isinstance(given, dict):
            value[name] = inner = {**given}
            found += places(inner, member.inner, f"{path}{name}.")
        elif isinstance(given, list):
            value[name] = items = [{**item} for item in given]
            for index, item in enumerate(items):
                found += places(item, member.inner, f"{path}{name}.{index}.")
    return found


def placeholder(value: Any, member: Member) -> str | dict[str, str]:
    """Return the value that is shown in place of a redacted one."""
    return REDACTED_OBJECT if member.is_object or isinstance(value, dict) else REDACTED


def is_placeholder(value: Any) -> bool:
    """Whether a value is the placeholder of a redacted one."""
    return value in (REDACTED, REDACTED_OBJECT)


def unreadable(member: Member) -> str | dict[str, str]:
    """Return the value that is shown in place of one that cannot be opened."""
    return UNREADABLE_OBJECT if member.is_object else UNREADABLE


@cache
def shape_of(model: type[BaseModel]) -> Shape:
    """Return the shape of a model as JSON; for an event, the shape of its data without its envelope."""
    names = model.data_fields() if issubclass(model, Event) else frozenset(model.model_fields)
    members = {
        name: _member(field.annotation, field.metadata) for name, field in model.model_fields.items() if name in names
    }
    return {name: member for name, member in members.items() if member.mark is not None or member.inner}


def _member(annotation: Any, metadata: list[Any]) -> Member:
    mark = next((mark for mark in metadata if isinstance(mark, Personal)), None)
    types = list(_types(annotation))
    models = [type_ for type_ in types if isinstance(type_, type) and issubclass(type_, BaseModel)]
    return Member(mark, str not in types, {name: inner for model in models for name, inner in shape_of(model).items()})


def _types(annotation: Any) -> Iterator[Any]:
    """Yield the possible types of a value, or of a list's items."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from _types(arguments[0])
    elif origin in {Union, UnionType, list}:
        for argument in arguments:
            yield from _types(argument)
    else:
        yield origin or annotation
