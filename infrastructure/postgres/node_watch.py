"""A process's watch over the nodes of its cluster: it finds out that one hangs, which no error tells."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from math import inf
from time import monotonic
from typing import Any, TypeVar

import psycopg
from psycopg.pq import TransactionStatus

from application.runtime.outage_log import OutageLog
from domain.errors import OrdertrailError, Unavailable
from infrastructure.postgres.nodes import Places, loss, places_in
from infrastructure.postgres.patience import Connection, hang_up
from infrastructure.postgres.watch import Watch, wait_at_most

_log = logging.getLogger(__name__)
T = TypeVar("T")

PERIOD_SECONDS = 1.0
"""How often each node is asked."""
SILENCE_SECONDS = 3.0
"""After so long without an answer, a node counts as lost. The coordinator gives up earlier to connect to it
(session.py).
"""
STEP_SECONDS = 0.25
PLACES_SECONDS = 30.0
"""How often we look which tenants are on which node."""

_SILENT = "The node does not answer"


class NodeWatch:
    """Asks each node through the coordinator, on a connection of its own, for a row of one of its tenants.

    If a node hangs, whoever waits at this moment is hung up, because they may wait for it. The coordinator keeps the
    other end of such a connection until the node goes on, or is gone.
    """

    def __init__(self, watch: Watch, connect: Callable[[], Awaitable[Connection]]) -> None:
        self._watch = watch
        self._connect = connect
        self._connection: Connection | None = None
        self._places: Places = ()
        self._look_at = -inf
        self._troubles = OutageLog(_log, "The nodes cannot be watched", "The nodes are watched again")

    async def run(self) -> None:
        """Ask, for ever. If there is only one server, there is nothing to ask."""
        nodes = self._watch.nodes
        try:
            while True:
                nodes.suspected.clear()
                try:
                    if await self._is_one_server():
                        return
                    await self._ask()
                except (psycopg.Error, OrdertrailError, TimeoutError) as error:
                    if self._watch.away is None:
                        self._troubles.failed(error)
                else:
                    self._troubles.over()
                await wait_at_most(PERIOD_SECONDS, nodes.suspected)
        finally:
            nodes.is_watched = False
            await self._close()

    async def _is_one_server(self) -> bool:
        if monotonic() >= self._look_at:
            self._places = await self._within(places_in)
            self._look_at = monotonic() + PLACES_SECONDS
        self._watch.nodes.is_watched = any(node for node, _ in self._places)
        return [node for node, _ in self._places] == [""]

    async def _ask(self) -> None:
        losses = {node: await self._loss(tenants[0]) for node, tenants in self._places}
        if any(why is None for why in losses.values()) and any(why is not None for why in losses.values()):
            self._watch.require()
        await self._watch.nodes.note(self._places, losses)

    async def _loss(self, tenant: str) -> Unavailable | None:
        """Return why the node of a tenant cannot be reached; None if it answers."""
        try:
            return await self._within(lambda connection: loss(connection, tenant), is_of_node=True)
        except TimeoutError:
            return Unavailable(_SILENT)

    async def _within(self, ask: Callable[[Connection], Coroutine[Any, Any, T]], *, is_of_node: bool = False) -> T:
        """Return an answer. Raises TimeoutError if none came in time; whoever waited as long for a node was hung up
        then.

        Raises Unavailable if the database itself is away.
        """
        if self._connection is None or self._connection.closed:
            self._connection = await self._connect()
        asking = asyncio.create_task(ask(self._connection), name="node watch")
        waiting = self._watch.connections
        try:
            for _ in range(round(SILENCE_SECONDS / STEP_SECONDS)):
                await asyncio.wait({asking}, timeout=STEP_SECONDS)
                if asking.done():
                    return asking.result()
                waiting = [connection for connection in waiting if _is_waiting(connection)]
            self._watch.require()
            for connection in waiting if is_of_node else ():
                hang_up(connection)
            raise TimeoutError
        finally:
            if not asking.done():
                await self._give_up(asking)

    async def _give_up(self, asking: asyncio.Task[Any]) -> None:
        if self._connection is not None:
            hang_up(self._connection)
        await asyncio.wait({asking}, timeout=STEP_SECONDS)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await self._close()

    async def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()


def _is_waiting(connection: Connection) -> bool:
    return not connection.closed and connection.pgconn.transaction_status == TransactionStatus.ACTIVE


@asynccontextmanager
async def watching_nodes(watch: Watch, connect: Callable[[], Awaitable[Connection]]) -> AsyncIterator[None]:
    """Run a watch over the nodes while this is entered."""
    running = asyncio.create_task(NodeWatch(watch, connect).run(), name="node watch")
    try:
        yield
    finally:
        running.cancel()
        await asyncio.wait({running})
