"""PostgreSQL arrays in binary form with a fixed element type, so that one prepared statement serves all sizes."""

import struct
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from psycopg import pq
from psycopg.abc import AdaptContext
from psycopg.adapt import Buffer, Dumper

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_HEADER = struct.Struct("!iiIii")
_EMPTY = struct.Struct("!iiI")
_LENGTH = struct.Struct("!i")


class _Lengths(dict[int, bytes]):
    """The bytes before an element of some length; before NULL, those of length -1. Those of short lengths are made
    once.
    """

    def __missing__(self, length: int) -> bytes:
        return _LENGTH.pack(length)


_LENGTHS = _Lengths((length, _LENGTH.pack(length)) for length in range(-1, 4_096))


class Array:
    """One dimension of elements of one type, in PostgreSQL's binary form; None is NULL."""

    array_oid: int
    element_oid: int
    _elements: list[Any]

    def dump(self) -> bytes:
        """Return the array in the form in which it is sent to PostgreSQL."""
        size = len(self._elements)
        if not size:
            return _EMPTY.pack(0, 0, self.element_oid)
        nulls = self._elements.count(None)
        header = _HEADER.pack(1, nulls > 0, self.element_oid, size, 1)
        parts = [_LENGTHS[-1]] * size if nulls == size else self._parts(has_nulls=nulls > 0)
        return b"".join([header, *parts])

    def _parts(self, *, has_nulls: bool) -> Sequence[bytes]:
        """Return the elements in binary form, each behind its length. Not all of them are NULL."""
        raise NotImplementedError


class _OfBytes(Array):
    """Elements that are bytes in their binary form."""

    def __init__(self, elements: Iterable[bytes | None]) -> None:
        self._elements = list(elements)

    def __iter__(self) -> Iterator[bytes | None]:
        return iter(self._elements)

    def _parts(self, *, has_nulls: bool) -> Sequence[bytes]:
        elements = self._elements
        parts = [b""] * (2 * len(elements))
        if has_nulls:
            parts[0::2] = [_LENGTHS[-1 if e is None else len(e)] for e in elements]
            parts[1::2] = [e or b"" for e in elements]
        else:
            # Without a loop of Python's: an append's arrays have more bytes of these types than of all others.
            parts[0::2] = map(_LENGTHS.__getitem__, map(len, elements))
            parts[1::2] = elements
        return parts


class _OfNumbers(Array):
    """Elements of a fixed width."""

    width: int
    code: str

    def __init__(self, elements: Iterable[int | None]) -> None:
        self._elements = list(elements)

    def _parts(self, *, has_nulls: bool) -> Sequence[bytes]:
        elements = self._elements
        if has_nulls:
            pack = struct.Struct(f"!i{self.code}").pack
            return [_LENGTHS[-1] if e is None else pack(self.width, e) for e in elements]
        flat = [self.width] * (2 * len(elements))
        flat[1::2] = elements
        return [struct.pack(f"!{f'i{self.code}' * len(elements)}", *flat)]


class TextArray(_OfBytes):
    """text[], its elements in UTF-8."""

    array_oid, element_oid = 1009, 25


class ByteaArray(_OfBytes):
    """bytea[]."""

    array_oid, element_oid = 1001, 17


class IntArray(_OfNumbers):
    """int[]."""

    array_oid, element_oid, width, code = 1007, 23, 4, "i"


class BigIntArray(_OfNumbers):
    """bigint[]."""

    array_oid, element_oid, width, code = 1016, 20, 8, "q"


class TimestampArray(_OfNumbers):
    """timestamptz[], its elements in microseconds since the year 2000."""

    array_oid, element_oid, width, code = 1185, 1184, 8, "q"


def texts(elements: Sequence[str | None]) -> TextArray:
    """Return text[]."""
    return TextArray([None if e is None else e.encode() for e in elements])


def timestamps(moments: Sequence[datetime | None]) -> TimestampArray:
    """Return timestamptz[]."""
    return TimestampArray([None if moment is None else _microseconds(moment) for moment in moments])


def _microseconds(moment: datetime) -> int:
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


class _ArrayDumper(Dumper):
    format = pq.Format.BINARY

    def dump(self, obj: Array) -> Buffer:
        return obj.dump()


def register_arrays(context: AdaptContext) -> None:
    """Make a connection know the arrays of this module."""
    for array in (TextArray, ByteaArray, IntArray, BigIntArray, TimestampArray):
        dumper = type("ArrayDumper", (_ArrayDumper,), {"oid": array.array_oid})
        context.adapters.register_dumper(array, dumper)
