"""Takes what a member says of events that it was handed, in one transaction: what is done, and what was refused."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from application.delivery.consumers import Acknowledged, ConsumerSettings, RefusedEvent
from application.delivery.errors import LeaseLost, NotHandedOut
from application.delivery.lanes import LaneCursor
from domain.personal import REDACTED
from infrastructure.delivery.lanes import move
from infrastructure.postgres.arrays import BigIntArray, IntArray
from infrastructure.postgres.database import Connection
from infrastructure.postgres.statements import statements

_SQL = statements("consumers")


async def settle(
    connection: Connection,
    of_member: dict[str, Any],
    settings: ConsumerSettings,
    acknowledged: Sequence[Acknowledged],
    refused: Sequence[RefusedEvent],
) -> None:
    """Refuse and acknowledge. Raises LeaseLost, NotHandedOut: the transaction must be undone then.

    What is refused is taken first: a member may refuse an event and acknowledge everything up to a later one.
    """
    cursors = await _locked(connection, of_member, [*acknowledged, *refused])
    for event in sorted(refused, key=lambda each: each.position):
        await _refuse(connection, of_member, settings, cursors[event.partition], event)
    moved = dict(cursors)
    for done in acknowledged:
        if done.stream is not None:
            await _acknowledge_stream(connection, of_member, done, done.stream)
            continue
        if done.position > cursors[done.partition].read_to:
            raise NotHandedOut(done.partition, done.position)
        moved[done.partition] = moved[done.partition].acknowledged(done.position)
    changed = [new for partition, new in moved.items() if new != cursors[partition]]
    await move(connection, of_member, changed)


async def _locked(
    connection: Connection, of_member: dict[str, Any], said: Sequence[Acknowledged | RefusedEvent]
) -> Mapping[int, LaneCursor]:
    """Lock the partitions that something is said of, and return them. Raises LeaseLost."""
    partitions = IntArray(sorted({each.partition for each in said}))
    cursor = await connection.execute(_SQL["lock_named"], {**of_member, "partitions": partitions})
    rows = {row[0]: row for row in await cursor.fetchall()}
    lost = {
        (each.partition, each.token, rows[each.partition][2] if each.partition in rows else 0)
        for each in said
        if each.partition not in rows or rows[each.partition][1:3] != (of_member["member"], each.token)
    }
    if lost:
        raise LeaseLost(sorted(lost))
    return {partition: LaneCursor(partition, *row[2:]) for partition, row in rows.items()}


async def _refuse(
    connection: Connection,
    of_member: dict[str, Any],
    settings: ConsumerSettings,
    cursor: LaneCursor,
    event: RefusedEvent,
) -> None:
    """Hold the stream of an event that was handed out. If it waits already, the same was said before."""
    asked = {"tenant": of_member["tenant"], "positions": BigIntArray([event.position])}
    row = await (await connection.execute(_SQL["streams_at"], asked)).fetchone()
    if row is None or row[2] != event.partition:
        raise NotHandedOut(event.partition, event.position)
    stream = row[1]
    held = {**of_member, "stream": stream}
    is_held = await (await connection.execute(_SQL["is_held"], held)).fetchone() is not None
    if not is_held and not cursor.position < event.position <= cursor.read_to:
        raise NotHandedOut(event.partition, event.position)
    refusal: dict[str, Any] = {
        "partition": event.partition,
        "position": event.position - 1,
        "failed": event.position,
        "delay": event.delay,
        "reason": REDACTED if event.reason and await _is_forgotten(connection, held) else event.reason,
        "max_failures": settings.max_failures,
        "parked_after": timedelta() if settings.max_failures <= 1 else None,
    }
    await connection.execute(_SQL["hold"], {**held, **refusal})


async def _is_forgotten(connection: Connection, of_stream: dict[str, Any]) -> bool:
    """Return whether a stream's data was erased. What is said of it since is not kept either."""
    return await (await connection.execute(_SQL["is_forgotten"], of_stream)).fetchone() is not None


async def _acknowledge_stream(
    connection: Connection, of_member: dict[str, Any], done: Acknowledged, stream: str
) -> None:
    said = {**of_member, "stream": stream, "partition": done.partition, "position": done.position}
    await connection.execute(_SQL["acknowledge_stream"], said)
