"""The definition of a view: its name, its key and its columns. Every statement about it follows from this."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import cached_property
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Generic,
    Literal,
    NamedTuple,
    Protocol,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from pydantic_core import from_json

from application.privacy.parts import OpenedPart, SealedPart

T = TypeVar("T")
R = TypeVar("R", bound=tuple[Any, ...])


class Mark(Enum):
    """What a column is besides its type."""

    JSON = "json"
    FIXED = "fixed"
    ENCRYPTED = "encrypted"


Json = Annotated[bytes, Mark.JSON]
"""A column that holds JSON. Rows have its text in UTF-8."""
Fixed = Annotated[T, Mark.FIXED]
"""A column that keeps the value that its row had first."""
Encrypted = Annotated[T, Mark.ENCRYPTED]
"""A column that may hold encrypted values. Its view's rows are opened when they are read; see SealedRow."""


class ColumnType(Enum):
    """The type of a column's values."""

    TEXT = "text"
    NUMBER = "number"
    TIME = "time"
    JSON = "json"


class RowOpening(NamedTuple):
    """What is encrypted in a row, as parts of events, and a function that returns the row with these parts opened."""

    parts: Sequence[SealedPart]
    shown: Callable[[Sequence[OpenedPart]], Any]


class SealedRow(Protocol):
    """A row of a view with encrypted columns."""

    def opening(self) -> RowOpening:
        """Return how the row is opened."""


_TYPES = {str: ColumnType.TEXT, int: ColumnType.NUMBER, datetime: ColumnType.TIME}


@dataclass(frozen=True)
class Column:
    """One column of a view. Without is_required it may be NULL."""

    name: str
    type: ColumnType
    is_required: bool
    is_fixed: bool
    is_encrypted: bool


@dataclass(frozen=True)
class View(Generic[R]):
    """A view of one tenant's ledger. Its columns are the fields of row, a NamedTuple, in their order.

    key names the columns that tell the rows of a tenant apart; the tenant itself is no field of a row.
    """

    name: str
    row: type[R]
    key: tuple[str, ...]

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The columns in the order of the row's fields."""
        hints = get_type_hints(self.row, include_extras=True)
        return tuple(_column(name, hints[name]) for name in self.row._fields)  # type: ignore[attr-defined]

    @cached_property
    def json(self) -> Column | None:
        """The column that holds JSON; None if there is none. A view has one at most."""
        found = [column for column in self.columns if column.type is ColumnType.JSON]
        assert len(found) <= 1, f"{self.name} has several columns of JSON"
        return found[0] if found else None

    @cached_property
    def changing(self) -> tuple[str, ...]:
        """The columns that change when a row is replaced."""
        return tuple(c.name for c in self.columns if not c.is_fixed and c.name not in self.key)

    @property
    def is_log(self) -> bool:
        """Whether it has a row for an event, which never changes, instead of a row for a thing."""
        return "position" in self.key

    @property
    def is_encrypted(self) -> bool:
        """Whether its rows may hold encrypted values."""
        return any(column.is_encrypted for column in self.columns)

    def index(self, name: str) -> int:
        """Return the place of a column among the columns."""
        return [column.name for column in self.columns].index(name)


def value_of(text: bytes | None) -> Any:
    """Return the value of a row's JSON; None if there is none, or if somebody changed it into what cannot be read."""
    try:
        return None if text is None else from_json(text)
    except ValueError:
        return None


def _column(name: str, hint: Any) -> Column:
    parts = list(_parts(hint))
    [type_] = {each for each in parts if not isinstance(each, Mark)} - {NoneType}
    return Column(
        name,
        ColumnType.JSON if Mark.JSON in parts else _TYPES[type_],
        is_required=NoneType not in parts,
        is_fixed=Mark.FIXED in parts,
        is_encrypted=Mark.ENCRYPTED in parts,
    )


def _parts(hint: Any) -> Iterator[Any]:
    """Yield the marks and the types of a field."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        yield from (mark for mark in arguments[1:] if isinstance(mark, Mark))
        yield from _parts(arguments[0])
    elif origin in {Union, UnionType}:
        for argument in arguments:
            yield from _parts(argument)
    elif origin is Literal:
        yield str
    else:
        yield hint
