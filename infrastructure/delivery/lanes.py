"""Reads the events of a member's partitions from PostgreSQL, whose rows are locked meanwhile."""

from collections.abc import Sequence
from math import ceil
from typing import Any, NamedTuple

from application.delivery.filters import EventFilter
from application.delivery.lanes import LaneCursor, LaneSeen, in_groups, read_on
from application.delivery.reading import LOOK
from application.ledger.port import RecordedEvent
from domain.values import TenantName
from infrastructure.delivery.consumers import array_of
from infrastructure.ledger.event_store import MAX_INT
from infrastructure.postgres.arrays import BigIntArray, IntArray, texts
from infrastructure.postgres.database import Connection
from infrastructure.postgres.rows import fetch_whatever_times
from infrastructure.postgres.statements import statements

_SQL = statements("consumers")
_HEAD = statements("ledger")["head"]

FEWEST_ROWS, MOST_ROWS, ROWS_OF_EACH = 200, 2_000, 4
"""How many events of partitions are looked at together: more than are handed out, because those of held streams are
among them, and so that every partition gets its turn."""
REPORTS, LARGE_REPORT = 100, 64 * 1024
"""How many reports are read at a time to learn their services, and the size from which they are read alone."""


class ToHandOut(NamedTuple):
    """An event to hand out, without its content; as Delivery has it."""

    position: int
    partition: int
    token: int
    previous: int | None
    attempt: int = 1
    is_held: bool = False


class PartitionReads:
    """One fetch of a member: what it reads of the partitions that it owns."""

    def __init__(self, connection: Connection, tenant: TenantName, consumer: str, wanted: EventFilter) -> None:
        self._connection = connection
        self._tenant = tenant
        self._wanted = wanted
        self._of_consumer: dict[str, Any] = {"tenant": tenant, "consumer": consumer}
        self._filter: dict[str, Any] = {
            **self._of_consumer,
            "types": array_of(wanted.read_types),
            "filtered_streams": array_of(wanted.streams),
        }
        self._head = 0

    async def of_held_streams(self, own: Sequence[LaneCursor], *, limit: int) -> list[ToHandOut]:
        """Return events of held streams whose time has come; let those go that may go back to their partitions.

        An event that was refused comes alone: whether the later ones can be handled depends on it. They take half of
        the limit at most, so that other streams go on.
        """
        limit = max(1, limit // 2)
        self._head = (await self._rows(_HEAD, tenant=self._tenant))[0][0]
        partitions = {cursor.partition: cursor for cursor in own}
        due = await self._rows(_SQL["due"], **self._of_consumer, partitions=IntArray(sorted(partitions)), limit=limit)
        if not due:
            return []
        events = await self._next_of(due, limit=limit)
        chosen: list[ToHandOut] = []
        moved: list[tuple[str, int, int]] = []
        gone: list[str] = []
        for stream, partition, position, read_to, failed, failures in due:
            cursor, (passed, found) = partitions[partition], events[stream]
            is_near = passed is None and position <= cursor.position
            if is_near and (not found or (failed is None and found[0] > cursor.read_to)):
                gone.append(stream)
            elif found:
                alone = found[:1] if failed is not None else found
                now = alone[: limit - len(chosen)]
                chosen += [ToHandOut(p, partition, cursor.token, None, failures + 1, is_held=True) for p in now]
                moved.append((stream, position, max([read_to, *now])))
            elif passed is not None:
                moved.append((stream, passed, max(read_to, passed)))
        await self._note(moved, gone)
        return await self._with_previous(chosen)

    async def of_partitions(self, own: Sequence[LaneCursor], *, limit: int) -> tuple[list[ToHandOut], bool]:
        """Return the next events of partitions, and whether there may be more."""
        groups = list(in_groups(own, look=LOOK))
        chosen: list[ToHandOut] = []
        has_more = False
        for n, group in enumerate(groups):
            share = ceil((limit - len(chosen)) / (len(groups) - n))
            after = group[0].position
            if share == 0 or after >= self._head:
                continue
            seen, reached = await self._seen(group, after, rows=ROWS_OF_EACH * share)
            read = read_on(group, seen, reached=reached, limit=share)
            await self._move(read.moved)
            chosen += [ToHandOut(*each) for each in read.chosen]
            has_more = has_more or read.has_more or reached < self._head
        return chosen, has_more

    async def _seen(self, group: Sequence[LaneCursor], after: int, *, rows: int) -> tuple[list[LaneSeen], int]:
        """Return the wanted events of partitions after a position, and how far they are complete."""
        limit = min(max(rows, FEWEST_ROWS), MOST_ROWS)
        upto = min(self._head, after + LOOK)
        found = await self._rows(
            _SQL["next_of_partitions"],
            **self._filter,
            partitions=IntArray([cursor.partition for cursor in group]),
            afters=BigIntArray([cursor.position for cursor in group]),
            after=after,
            upto=upto,
            limit=limit,
        )
        reached = upto if len(found) < limit else found[-1][0]
        wanted = await self._wanted_of([row[0] for row in found])
        return [LaneSeen(*row) for row in found if row[0] in wanted], reached

    async def _next_of(self, due: Sequence[Any], *, limit: int) -> dict[str, tuple[int | None, list[int]]]:
        """Return the next wanted events of each stream; and how far it was looked through, if it goes on after that."""
        parameters = {"streams": texts([row[0] for row in due]), "afters": BigIntArray([row[2] for row in due])}
        rows = await self._rows(_SQL["next_of_streams"], **self._filter, **parameters, upto=self._head, limit=limit)
        wanted = await self._wanted_of([row[0] for row in rows])
        events: dict[str, tuple[int | None, list[int]]] = {}
        for stream, *_ in due:
            found = sorted(position for position, of in rows if of == stream)
            passed = found[-1] if len(found) == limit else None
            events[stream] = passed, [position for position in found if position in wanted]
        return events

    async def _wanted_of(self, positions: Sequence[int]) -> set[int]:
        """Return which of these events are reports of a service that is wanted; all, if the filter names none.

        The name of a report's service is in its data.
        """
        if not self._wanted.services:
            return set(positions)
        wanted: set[int] = set()
        for n in range(0, len(positions), REPORTS):
            for event in await self._reports(positions[n : n + REPORTS], inline=LARGE_REPORT):
                whole = [event] if event.data is not None else await self._reports([event.position], inline=MAX_INT)
                wanted |= {each.position for each in whole if self._wanted.wants_service_of(each)}
        return wanted

    async def _reports(self, positions: Sequence[int], *, inline: int) -> list[RecordedEvent]:
        asked = {"tenant": self._tenant, "positions": BigIntArray(positions), "inline": inline}
        rows = await fetch_whatever_times(self._connection, _SQL["reports_at"], asked)
        return [RecordedEvent(*row) for row in rows]

    async def _with_previous(self, chosen: list[ToHandOut]) -> list[ToHandOut]:
        """Return events of held streams with the wanted event before each in its partition, as far as it is known."""
        if not chosen or self._wanted.services:
            return chosen
        positions, partitions = [each.position for each in chosen], [each.partition for each in chosen]
        rows = await self._rows(
            _SQL["previous_of"], **self._filter, positions=BigIntArray(positions), partitions=IntArray(partitions)
        )
        previous = dict(rows)
        return [each._replace(previous=previous[each.position]) for each in chosen]

    async def _note(self, moved: Sequence[tuple[str, int, int]], gone: Sequence[str]) -> None:
        if gone:
            await self._connection.execute(_SQL["let_go"], {**self._of_consumer, "streams": texts(gone)})
        if moved:
            streams, positions, read_to = zip(*moved, strict=True)
            parameters = {"streams": texts(streams), "positions": BigIntArray(positions)}
            handed = {**self._of_consumer, **parameters, "read_to": BigIntArray(read_to)}
            await self._connection.execute(_SQL["hand_out"], handed)

    async def _move(self, cursors: Sequence[LaneCursor]) -> None:
        await move(self._connection, self._of_consumer, cursors)

    async def _rows(self, statement: bytes, **parameters: Any) -> list[tuple[Any, ...]]:
        return await (await self._connection.execute(statement, parameters)).fetchall()


async def move(connection: Connection, of_consumer: dict[str, Any], cursors: Sequence[LaneCursor]) -> None:
    """Keep how far partitions have come, whose rows are locked."""
    if not cursors:
        return
    columns = list(zip(*cursors, strict=True))
    numbers = {
        "partitions": IntArray(columns[0]),
        "positions": BigIntArray(columns[2]),
        "previous": BigIntArray(columns[3]),
        "read_to": BigIntArray(columns[4]),
        "read_last": BigIntArray(columns[5]),
        "read_previous": BigIntArray(columns[6]),
    }
    await connection.execute(_SQL["move"], {**of_consumer, **numbers})
