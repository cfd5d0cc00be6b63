"""The chunks of a bulk load: how a body is cut into lines, and how these are put together to be recorded."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import NamedTuple

from api.native.following.ingest_lines import MAX_LINE_BYTES, LineReader
from application.runtime.room import BREATH_BYTES
from domain.errors import OrdertrailError
from domain.events.event import Event

BREATH = 100
"""How many lines are read before other tasks get a turn."""
CHUNK_EVENTS = 1_000
CHUNK_BYTES = 2**20


class Told(NamedTuple):
    """A line that holds an event."""

    number: int
    event: Event


class Chunk(NamedTuple):
    """Lines that are recorded together, those that hold no event, and how many lines were read so far."""

    told: Sequence[Told]
    refused: Sequence[tuple[int, OrdertrailError]]
    lines: int


Lines = Sequence[bytes | None]
"""Lines without their ends; None for each that is too long."""


async def lines_of(pieces: AsyncIterator[bytes]) -> AsyncIterator[Lines]:
    """Yield the lines that end in each piece. Of a line that is too long, no more is held than a line may have."""
    rest, is_too_long = b"", False
    async for piece in pieces:
        lines: list[bytes | None] = [*piece.split(b"\n")]
        lines[0] = None if is_too_long else _bounded(rest + (lines[0] or b""))
        if len(piece) > MAX_LINE_BYTES:
            lines[1:] = [line and _bounded(line) for line in lines[1:]]
        last = lines.pop()
        rest, is_too_long = last or b"", last is None
        if lines:
            yield lines
    if rest or is_too_long:
        yield [None if is_too_long else rest]


def _bounded(line: bytes) -> bytes | None:
    return line if len(line) <= MAX_LINE_BYTES else None


async def chunks_of(batches: AsyncIterator[Lines], reader: LineReader) -> AsyncIterator[Chunk]:
    """Yield chunks of lines. Blank lines are none. A chunk holds no event id twice."""
    chunk = _Growing()
    number = since_breath = 0
    async for batch in batches:
        for lines in _breaths(batch):
            since_breath += len(lines)
            if since_breath >= BREATH:
                since_breath = 0
                await asyncio.sleep(0)
            for line, read in zip(lines, reader.read(lines), strict=True):
                number += 1
                if read is None:
                    continue
                if isinstance(read, OrdertrailError):
                    chunk.refused.append((number, read))
                else:
                    if read.event_id in chunk.ids:
                        yield chunk.at(number)
                        chunk = _Growing()
                    chunk.add(Told(number, read), len(line or b""))
                if chunk.is_full:
                    yield chunk.at(number)
                    chunk = _Growing()
    yield chunk.at(number)


def _breaths(lines: Lines) -> Iterator[Lines]:
    """Yield the lines in parts that are read at once."""
    start = size = 0
    for end, line in enumerate(lines, 1):
        size += len(line or b"")
        if end - start == BREATH or size >= BREATH_BYTES or end == len(lines):
            yield lines[start:end]
            start, size = end, 0


class _Growing:
    """A chunk to which lines are added."""

    def __init__(self) -> None:
        self.told: list[Told] = []
        self.refused: list[tuple[int, OrdertrailError]] = []
        self.ids: set[str] = set()
        self._size = 0

    @property
    def is_full(self) -> bool:
        return self._size >= CHUNK_BYTES or len(self.told) >= CHUNK_EVENTS or len(self.refused) >= CHUNK_EVENTS

    def add(self, told: Told, size: int) -> None:
        self.told.append(told)
        self.ids.add(told.event.event_id)
        self._size += size

    def at(self, number: int) -> Chunk:
        return Chunk(self.told, self.refused, number)
