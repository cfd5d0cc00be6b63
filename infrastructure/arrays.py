"""PostgreSQL arrays in binary form with a fixed element type, so that a statement is prepared once for every size."""

import struct
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from psycopg import pq
from psycopg.abc import AdaptContext
from psycopg.adapt import Buffer, Dumper

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_HEADER = struct.Struct("!iiIii")
_EMPTY = struct.Struct("!iiI")
_LENGTH = struct.Struct("!i")
_NULL = _LENGTH.pack(-1)


class Array:
    """The elements of an array, each in PostgreSQL's binary form, None for NULL."""

    __slots__ = ("array_oid", "element_oid", "elements")

    def __init__(self, array_oid: int, element_oid: int, elements: list[bytes | None]) -> None:
        self.array_oid, self.element_oid, self.elements = array_oid, element_oid, elements


class TextArray(Array):
    """text[], its elements in UTF-8."""

    def __init__(self, elements: Iterable[bytes | None]) -> None:
        super().__init__(1009, 25, list(elements))


class ByteaArray(Array):
    """bytea[]."""

    def __init__(self, elements: Iterable[bytes | None]) -> None:
        super().__init__(1001, 17, list(elements))


class IntArray(Array):
    """int[]."""

    def __init__(self, elements: Iterable[int]) -> None:
        super().__init__(1007, 23, [_LENGTH.pack(e) for e in elements])


class BigIntArray(Array):
    """bigint[]."""

    def __init__(self, elements: Iterable[bytes | None]) -> None:
        super().__init__(1016, 20, list(elements))


class TimestampArray(Array):
    """timestamptz[]."""

    def __init__(self, elements: Iterable[bytes | None]) -> None:
        super().__init__(1185, 1184, list(elements))


def bigint(number: int | None) -> bytes | None:
    """Return a bigint in binary form."""
    return None if number is None else number.to_bytes(8, "big", signed=True)


def timestamp(moment: datetime | None) -> bytes | None:
    """Return a timestamptz in binary form: microseconds since the year 2000."""
    return None if moment is None else ((moment - _EPOCH) // _MICROSECOND).to_bytes(8, "big", signed=True)


class _ArrayDumper(Dumper):
    format = pq.Format.BINARY

    def dump(self, obj: Array) -> Buffer:
        if not obj.elements:
            return _EMPTY.pack(0, 0, obj.element_oid)
        parts = [_HEADER.pack(1, int(None in obj.elements), obj.element_oid, len(obj.elements), 1)]
        for element in obj.elements:
            if element is None:
                parts.append(_NULL)
            else:
                parts.append(_LENGTH.pack(len(element)))
                parts.append(element)
        return b"".join(parts)


def _dumper_of(oid_: int) -> type[Dumper]:
    return type("ArrayDumper", (_ArrayDumper,), {"oid": oid_})


def register_arrays(context: AdaptContext) -> None:
    """Make a connection know the arrays of this module."""
    for array in (TextArray, ByteaArray, IntArray, BigIntArray, TimestampArray):
        context.adapters.register_dumper(array, _dumper_of(array([]).array_oid))
