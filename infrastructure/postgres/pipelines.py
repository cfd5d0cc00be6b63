"""What is done for many tenants at a time: statements for each of them."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import psycopg

from infrastructure.postgres.database import Connection, translate

Parameters = Mapping[str, Any]
Rows = list[tuple[Any, ...]]


TOGETHER: Mapping[str, str] = MappingProxyType({"synchronous_commit": "off", "enable_seqscan": "off"})
"""The settings of sessions that store what is derived from the ledgers of many tenants.

With a commit for each tenant, waiting for the disk would take longer than all else. A crash of the server takes back
what was committed in its last moments, and it is derived again. Without the other setting, a plan that was made while a
table was small would read all of it for each tenant, until the table is analyzed.
"""


async def read_each(connection: Connection, statement: bytes, parameters: Sequence[Parameters]) -> list[Rows]:
    """Return the rows that a statement finds with each of these parameters, without waiting in between.

    An error of one is the error of all.
    """
    if not parameters:
        return []
    async with connection.cursor(binary=True) as cursor:
        await cursor.executemany(statement, parameters, returning=True)
        return [await found.fetchall() async for found in cursor.results()]


async def write_each(connection: Connection, writes: Sequence[tuple[bytes, Parameters]]) -> list[int | Exception]:
    """Execute statements with their parameters, each in a transaction of its own, without waiting in between.

    Returns how many rows each has changed, or its error. Raises the driver's error if the connection is lost.
    """
    cursors = [connection.cursor(binary=True) for _ in writes]
    errors: list[psycopg.Error] = []
    try:
        async with connection.pipeline() as pipeline:
            for cursor, (statement, parameters) in zip(cursors, writes, strict=True):
                try:
                    await cursor.execute(statement, parameters, prepare=True)
                    # What follows is another transaction, whatever becomes of this one.
                    await pipeline.sync()
                except psycopg.Error as error:
                    errors.append(error)
    except psycopg.Error as error:
        errors.append(error)
    if errors and connection.closed:
        raise errors[0]
    return [cursor.rowcount if cursor.pgresult is not None else translate(errors[0]) for cursor in cursors]
