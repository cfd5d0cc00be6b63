"""Rows that were changed in the database so that they hold times beyond Python's range."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg.types.datetime import TimestamptzBinaryLoader
from pydantic_core import from_json, to_json

from application.ledger.port import WHY_UNREADABLE, RecordedEvent
from domain.errors import UnreadableEvent
from infrastructure.postgres.database import Connection

Row = tuple[Any, ...]

_NO_TIME = datetime.min.replace(tzinfo=UTC)
_OCCURRED, _RECORDED = RecordedEvent._fields.index("occurred_at"), RecordedEvent._fields.index("recorded_at")


class _AnyTime(TimestamptzBinaryLoader):
    """Loads times such as infinity as None."""

    def load(self, data: Any) -> Any:
        try:
            return super().load(data)
        except psycopg.DataError:
            return None


async def fetch(connection: Connection, statement: bytes, parameters: Mapping[str, Any]) -> list[Row]:
    """Return the rows of a statement. Raises UnreadableEvent if one holds a time beyond Python's range."""
    async with connection.cursor(binary=True) as cursor:
        await cursor.execute(statement, parameters)
        try:
            return await cursor.fetchall()
        except psycopg.DataError as exc:
            raise UnreadableEvent(f"An event has a time that no event can have: {exc}") from exc


async def fetch_whatever_times(connection: Connection, statement: bytes, parameters: Mapping[str, Any]) -> list[Row]:
    """Return the rows of a statement; a time beyond Python's range is None."""
    try:
        return await fetch(connection, statement, parameters)
    except UnreadableEvent:
        async with connection.cursor(binary=True) as cursor:
            cursor.adapters.register_loader("timestamptz", _AnyTime)
            await cursor.execute(statement, parameters)
            return await cursor.fetchall()


def recorded_event(row: Sequence[Any]) -> RecordedEvent:
    """Return the event in a row. A missing time is replaced by the event's other time, and its metadata says so."""
    event = RecordedEvent(*row)
    occurred_at, recorded_at = row[_OCCURRED], row[_RECORDED]
    if occurred_at is not None and recorded_at is not None:
        return event
    names = [name for name, time in (("occurred_at", occurred_at), ("recorded_at", recorded_at)) if time is None]
    return event._replace(
        occurred_at=occurred_at or recorded_at or _NO_TIME,
        recorded_at=recorded_at or occurred_at or _NO_TIME,
        metadata=_marked(event.metadata, f"{', '.join(names)}: no event can have such a time"),
    )


def _marked(metadata: bytes, why: str) -> bytes:
    try:
        return to_json({**from_json(metadata), WHY_UNREADABLE: why})
    except (TypeError, ValueError):
        return metadata  # metadata that others report as unreadable
