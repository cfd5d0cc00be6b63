"""How docs/events.md has to write the fields of an event and the members of a value."""

from enum import EnumType
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, StringConstraints

from domain.events.event import Event
from domain.events.records import Headers
from domain.values import Body, Change, Identifier, Moment, Name, Personal, RawText, Sentence, Text

_WORDS: dict[Any, str] = {
    Text: "Text",
    Headers: "Headers",
    Moment: "time",
    bool: "true or false",
    int: "integer",
    float: "number",
    str: "text",
}
_STRINGS = {
    get_args(string)[1]: word
    for string, word in ((Name, "Name"), (Sentence, "Sentence"), (Body, "Body"), (RawText, "Raw text"))
}
_STRINGS[get_args(Identifier)[1]] = "Identifier"


def type_in_words(annotation: Any) -> str:
    """Return a field's type as the page calls it."""
    if annotation in _WORDS:
        return _WORDS[annotation]
    if (origin := get_origin(annotation)) is not None:
        return _composed_type_in_words(origin, get_args(annotation))
    if isinstance(annotation, EnumType):
        return " / ".join(annotation)
    if issubclass(annotation, Change):
        (changed,) = annotation.__pydantic_generic_metadata__["args"]
        return f"Change of {type_in_words(changed)}"
    return str(annotation.__name__)


def _composed_type_in_words(origin: Any, args: tuple[Any, ...]) -> str:
    if origin is Annotated:
        marks = [mark for mark in args[1:] if isinstance(mark, StringConstraints)]
        return next((_STRINGS[mark] for mark in marks if mark in _STRINGS), None) or type_in_words(args[0])
    if origin in {Union, UnionType}:
        return " or ".join(type_in_words(arg) for arg in args if arg is not type(None))
    return f"list of {type_in_words(args[0])}" if origin is list else "JSON object"


def field_in_words(model: type[BaseModel], name: str) -> str:
    """Return a field with its marks and its type: `name`? Type *personal*, where ? is for what may be left out."""
    field = model.model_fields[name]
    mark = "" if field.is_required() else "?"
    annotation = get_type_hints(model, include_extras=True)[name]
    personal = " *personal*" if any(isinstance(mark, Personal) for mark in _marks(field.metadata, annotation)) else ""
    return f"`{name}`{mark} {type_in_words(annotation)}{personal}"


def _marks(metadata: list[Any], annotation: Any) -> list[Any]:
    """Return the marks of a field, or of what changes in it."""
    is_change = isinstance(annotation, type) and issubclass(annotation, Change)
    return annotation.model_fields["before"].metadata if is_change else metadata


def fields_in_words(model: type[BaseModel]) -> list[str]:
    """Return what the page says of an event's own fields, or of a value's members."""
    own = model.data_fields() if issubclass(model, Event) else frozenset(model.model_fields)
    return [field_in_words(model, name) for name in model.model_fields if name in own]
