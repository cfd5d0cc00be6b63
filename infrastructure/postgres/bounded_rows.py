"""Rows bounded in bytes: statements tell how large each row is, and leave what is large in it to be asked for.

Such a statement takes inline, which is how many bytes of a row it gives at once, and limit. Its last column, size, is
how many bytes there are. So no more than what fits is ever fetched, nearly always by one statement.
"""

from collections.abc import Mapping, Sequence
from itertools import islice
from operator import itemgetter
from typing import Any, NamedTuple

Row = tuple[Any, ...]

MIN_INLINE = 2 * 1024
MAX_INLINE = 8 * 1024

size_of = itemgetter(-1)


class Shape(NamedTuple):
    """Which columns may be left out, which names the row, and the statement that returns them by such names (keys)."""

    columns: slice
    key: int
    statement: bytes


def inline_of(max_bytes: int, limit: int) -> int:
    """Return how much of a row is given at once: so many rows come to no more than they may, about."""
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


def left_out(rows: Sequence[Row], shape: Shape) -> list[Any]:
    """Return the keys of rows that are not told whole."""
    first = shape.columns.start
    return [row[shape.key] for row in rows if row[first] is None and row[-1]]


def completed(rows: Sequence[Row], shape: Shape, found: Mapping[Any, Row]) -> list[Row]:
    """Return rows with what was left out of them, without their sizes; not those that are not there any more."""
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
    """Return what was asked for by the keys that are its first column."""
    return {row[0]: tuple(islice(row, 1, None)) for row in rows}
