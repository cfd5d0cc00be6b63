"""Files of events as `ordertrail load` reads them: lines of JSON, or CSV with a mapping, compressed or plain."""

import csv
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from enum import StrEnum
from itertools import pairwise
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from pydantic_core import from_json, to_json

from api.cli.files.compression import lines_of
from api.cli.maintenance import InvalidArgument
from application.views.upkeep.rebuild import Show

PIECE = 64 * 1024
"""How many bytes of lines are sent at once."""


class Format(StrEnum):
    """What a file holds."""

    NDJSON = "ndjson"
    CLOUDEVENTS = "cloudevents"
    CSV = "csv"


class _Rule(NamedTuple):
    """Where a member of an event comes from: a column, or a text that is the same for all."""

    path: tuple[str, ...]
    column: str | None
    text: str
    is_json: bool


class _Columns(NamedTuple):
    """The places of the columns that are mapped, and how many columns there are."""

    places: dict[str, int]
    total: int


class LoadFile:
    """A file to load, as the lines of a bulk load."""

    def __init__(self, path: Path, format_: Format | None, rules: Sequence[str], show: Show) -> None:
        """Raises InvalidArgument if the rules of a mapping cannot be understood, or are missing."""
        self._path = path
        self._show = show
        self._format = format_ or (Format.CSV if ".csv" in path.suffixes else Format.NDJSON)
        self._rules = _apart([_rule(rule) for rule in rules])
        self._offsets = [(0, 0)]
        """From which line of the load on, its lines are how many further down in the file."""
        if (self._format is Format.CSV) != bool(rules):
            raise InvalidArgument("A CSV file needs --map, as --map order_id=Order; and no other file takes it")

    def line_of(self, line: int) -> int:
        """Return the line in the file of a line of the load."""
        return line + self._offsets[bisect_right(self._offsets, line, key=itemgetter(0)) - 1][1]

    def pieces(self) -> Iterator[bytes]:
        """Yield the lines, many at a time. Raises InvalidArgument, FileDamaged, CannotCheck."""
        piece, done, size = bytearray(), 0, self._path.stat().st_size
        for line in self._lines():
            piece += line
            if len(piece) >= PIECE:
                yield bytes(piece)
                done += len(piece)
                self._show(done, max(done, size))  # what is compressed turns out to be longer
                piece.clear()
        yield bytes(piece)

    def _lines(self) -> Iterator[bytes]:
        with lines_of(self._path) as lines:
            if self._format is not Format.CSV:
                yield from lines
                return
            try:
                yield from self._of_csv(lines)
            except (UnicodeDecodeError, csv.Error) as exc:
                raise InvalidArgument(f"{self._path} is no CSV in UTF-8: {exc}") from exc

    def _of_csv(self, lines: Iterator[bytes]) -> Iterator[bytes]:
        rows = csv.reader(map(bytes.decode, lines), strict=True)
        columns = self._columns(next(rows, []))
        number, begin = 0, rows.line_num + 1
        for cells in rows:
            if cells:
                if len(cells) != columns.total:
                    told = f"it has {len(cells)} cells, and the first line names {columns.total} columns"
                    raise InvalidArgument(f"{self._path}:{begin}: {told}")
                number += 1
                if begin - number != self._offsets[-1][1]:
                    self._offsets.append((number, begin - number))
                row = {name: cells[place] for name, place in columns.places.items()}
                yield to_json(_event(row, self._rules)) + b"\n"
            begin = rows.line_num + 1

    def _columns(self, names: Sequence[str]) -> _Columns:
        """Return where the columns are that are mapped. Raises InvalidArgument if one is missing, or there twice."""
        wanted = {rule.column for rule in self._rules if rule.column is not None}
        if missing := sorted(wanted - set(names)):
            raise InvalidArgument(f"{self._path} has no column {', '.join(missing)}; it has {', '.join(names)}")
        if twice := sorted(name for name in wanted if names.count(name) > 1):
            raise InvalidArgument(f"{self._path} has the column {', '.join(twice)} twice")
        return _Columns({name: names.index(name) for name in wanted}, len(names))


def _rule(text: str) -> _Rule:
    member, equals, column = text.partition("=")
    if not member or not equals or not column:
        raise InvalidArgument(f"--map {text} is not MEMBER=COLUMN, as data.status=State")
    path = tuple(member.split("."))
    if column.startswith("="):
        return _Rule(path, None, column[1:], is_json=False)
    return _Rule(path, column.removesuffix(":json"), "", is_json=column.endswith(":json"))


def _apart(rules: Sequence[_Rule]) -> Sequence[_Rule]:
    """Return rules of which no two say the same member, or a member and a part of it. Raises InvalidArgument."""
    paths = sorted(rule.path for rule in rules)
    for path, following in pairwise(paths):
        if following[: len(path)] == path:
            raise InvalidArgument(f"--map says twice what {'.'.join(path)} is")
    return rules


def _event(row: dict[str, str], rules: Sequence[_Rule]) -> dict[str, Any]:
    """Return the event of a row. Cells that are empty say nothing."""
    event: dict[str, Any] = {}
    for path, column, text, is_json in rules:
        cell = text if column is None else row[column]
        if not cell:
            continue
        holder = event
        for name in path[:-1]:
            holder = holder.setdefault(name, {})
        holder[path[-1]] = _value(cell) if is_json or path == ("integration_id",) else cell
    return event


def _value(cell: str) -> Any:
    try:
        return from_json(cell)
    except ValueError:
        return cell  # the line is refused, with the reason
