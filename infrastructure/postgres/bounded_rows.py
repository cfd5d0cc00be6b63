"""Rows bounded in bytes: a statement returns each row's size, and leaves large values out; they are fetched separately.

Such a statement takes limit, and inline, the number of bytes of a row that it returns at once. Its last column, size,
is the row's full number of bytes. So we never fetch more than fits, and one statement is nearly always enough.
"""

from collections.abc import Mapping, Sequence
from itertools import islice
from operator import itemgetter
from typing import Any, NamedTuple

Row = tuple[Any, ...]

MIN_INLINE = 2 * 1024
MAX_INLINE = 8 * 1024

size_of = itemgetter(-1)


class RowShape(NamedTuple):
    """The columns that may be left out, the column that names the row, and the statement that returns rows by names
    (keys).
    """

    columns: slice
    key: int
    statement: bytes


def inline_of(max_bytes: int, limit: int) -> int:
    """Return how many bytes of a row are returned at once, so that limit rows have about max_bytes."""
    return min(max(max_bytes // max(limit, 1), MIN_INLINE), MAX_INLINE)


def cut(rows: Sequence[Row], max_bytes: int) -> Sequence[Row]:
    """Return rows up to the one that brings them to so many bytes."""
    if sum(map(size_of, rows)) < max_bytes:
        return rows
    total = 0
    for n, row in enumerate(rows):
        total += row[-1]
        if total >= max_bytes:
            return rows[: n + 1]
    return rows


def left_out(rows: Sequence[Row], shape: RowShape) -> list[Any]:
    """Return the keys of the rows that are incomplete."""
    first = shape.columns.start
    return [row[shape.key] for row in rows if row[first] is None and row[-1]]


def completed(rows: Sequence[Row], shape: RowShape, found: Mapping[Any, Row]) -> list[Row]:
    """Return rows with their missing values filled in, without sizes. Rows that have vanished since are left out."""
    if not found:
        return [row[:-1] for row in rows]
    begin, end = shape.columns.start, shape.columns.stop
    whole = []
    for row in rows:
        if row[begin] is None and row[-1]:
            if (columns := found.get(row[shape.key])) is not None:
                whole.append((*row[:begin], *columns, *row[end:-1]))
        else:
            whole.append(row[:-1])
    return whole


def by_key(rows: Sequence[Row]) -> dict[Any, Row]:
    """Return rows by their keys, which are in the first column."""
    return {row[0]: tuple(islice(row, 1, None)) for row in rows}
