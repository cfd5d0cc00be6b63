"""Makes objects from fields that are valid: those that we stored, and those of a request that was validated."""

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Generic, Literal, NewType, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

M = TypeVar("M", bound=BaseModel)

_Convert = Callable[[Any], Any]

_MISSING = object()

_set = object.__setattr__

_PLAIN = (str, int, float, bool, NoneType, Any, object)
"""The types whose values JSON gives unchanged."""


class Fields:
    """The fields of an object: which of them are required, and the defaults of the others."""

    def __init__(self, fields: Mapping[str, FieldInfo]) -> None:
        # In the order of the fields, so that equal objects are serialised equally.
        self._blank: dict[str, Any] = {
            name: _MISSING if f.default is PydanticUndefined else f.default for name, f in fields.items()
        }
        self._unset = [(n, f.default_factory) for n, f in fields.items() if f.default is PydanticUndefined]

    def completed(self, given: dict[str, Any]) -> dict[str, Any]:
        """Return the given fields, with the defaults of those that are missing. Raises ValueError."""
        values = self._blank | given
        for name, make in self._unset:
            if values[name] is _MISSING:
                if make is None:
                    raise ValueError(f"{name} is missing")
                values[name] = make()  # type: ignore[call-arg]
        if len(values) > len(self._blank):
            raise ValueError(f"these fields cannot stand together: {sorted(given)}")
        return values


class Stored(Generic[M]):
    """Makes instances of a model from fields that were read from JSON."""

    def __init__(self, model: type[M]) -> None:
        self._model = model
        self._names = set(model.model_fields)
        self._fields = Fields(model.model_fields)
        converters = {name: _converter(field.annotation) for name, field in model.model_fields.items()}
        self._converters = [(name, convert) for name, convert in converters.items() if convert is not None]

    def load(self, fields: dict[str, Any], **ready: Any) -> M:
        """Return the object with these fields from JSON, these converted ones, and defaults. Raises ValueError."""
        if not fields.keys().isdisjoint(ready):
            raise ValueError(f"{self._model.__name__} cannot have these fields: {sorted(fields.keys() & ready)}")
        values = self._fields.completed(fields | ready)
        for name, convert in self._converters:
            if (value := fields.get(name)) is not None:
                values[name] = convert(value)
        return self._instance(values, self._names)

    def of_valid(self, fields: dict[str, Any]) -> M:
        """Return the object with these valid fields, and defaults for the others. Raises ValueError."""
        return self._instance(self._fields.completed(fields), set(fields))

    def _instance(self, values: dict[str, Any], names: set[str]) -> M:
        # The model's own constructor does the same after validation.
        instance = self._model.__new__(self._model)
        _set(instance, "__dict__", values)
        _set(instance, "__pydantic_fields_set__", names)
        _set(instance, "__pydantic_extra__", None)
        _set(instance, "__pydantic_private__", None)
        return instance


def stored(model: type[M]) -> Stored[M]:
    """Return the maker of a model's instances."""
    return _stored(model)


def of_valid(model: type[M], **fields: Any) -> M:
    """Return the object with these fields. They were validated as fields of the same types, and are not again."""
    return stored(model).of_valid(fields)


class PlainFields:
    """Fields whose values JSON has unchanged, short of enums, of which it has the values."""

    def __init__(self, fields: Mapping[str, FieldInfo]) -> None:
        self._names = tuple(fields)
        self._enums = tuple(name for name, field in fields.items() if _is_enum(field.annotation))

    def values(self, model: BaseModel) -> dict[str, Any]:
        """Return the values that are not None, as JSON has them. Whatever they hold is not copied."""
        values = model.__dict__
        plain = {name: value for name in self._names if (value := values[name]) is not None}
        for name in self._enums:
            if name in plain:
                plain[name] = plain[name]._value_  # value takes two calls of Python
        return plain


def plain_fields(model: type[BaseModel], names: frozenset[str]) -> PlainFields | None:
    """Return these fields of a model; None if JSON has some of their values in another form."""
    fields = {name: field for name, field in model.model_fields.items() if name in names}
    if all(_converter(field.annotation) is None or _is_enum(field.annotation) for field in fields.values()):
        return PlainFields(fields)
    return None


def _is_enum(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Enum)


@cache
def _stored(model: type[Any]) -> Stored[Any]:
    return Stored(model)


def _converter(annotation: Any) -> _Convert | None:
    """Return a function from a JSON value to a value of a type; None if they are the same. It is never given a null."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, NewType):
        return _converter(annotation.__supertype__)
    if origin is Annotated:
        return _converter(arguments[0])
    if origin in {Union, UnionType}:
        return _converter_of_union(annotation, [a for a in arguments if a is not NoneType])
    if origin in {list, dict}:
        return _converter_of_items(origin, _converter(arguments[-1]))
    return None if annotation in _PLAIN or origin is Literal else _converter_of_type(annotation)


def _converter_of_union(annotation: Any, members: list[Any]) -> _Convert | None:
    if len(members) == 1:
        return _converter(members[0])
    if all(_converter(member) is None for member in members):
        return None
    return TypeAdapter(annotation).validate_python


def _converter_of_items(origin: type, convert: _Convert | None) -> _Convert | None:
    if convert is None:
        return None
    if origin is list:
        return lambda items: [item if item is None else convert(item) for item in items]
    return lambda items: {key: item if item is None else convert(item) for key, item in items.items()}


def _converter_of_type(annotation: Any) -> _Convert:
    if isinstance(annotation, type):
        if issubclass(annotation, BaseModel):
            return stored(annotation).load
        if issubclass(annotation, Enum):
            return annotation
        if issubclass(annotation, datetime):
            return datetime.fromisoformat
    return TypeAdapter(annotation).validate_python
