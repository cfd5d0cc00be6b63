"""What is asked of all tenants of a cluster: those whose node is lost are left out. One server is one node."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from math import inf
from time import monotonic
from typing import Any

import psycopg

from application.runtime.outage_log import OutageLog
from domain.errors import Busy, Unavailable
from infrastructure.postgres.arrays import TextArray, texts
from infrastructure.postgres.patience import Connection
from infrastructure.postgres.reasons import NODE_LOST, is_loss_of_node, unavailable
from infrastructure.postgres.statements import statements

_log = logging.getLogger(__name__)
_SQL = statements("nodes")

LOOK_SECONDS = 1.0
"""How often the nodes are asked while one is lost."""
TRIES = 3
"""How often a statement is executed: nodes may be lost one after the other."""
ROUND_SECONDS = 10.0
"""How long to wait for a watch to have asked all nodes once more."""

Places = Sequence[tuple[str, Sequence[str]]]
"""The nodes, and the tenants of each."""


class Nodes:
    """Knows which nodes are lost, as far as this process has seen it.

    As long as none is, nothing is asked. Once a statement fails because of one, each node is asked, and again after a
    while, until all answer. If a watch over the nodes runs (node_watch.py), it asks, and nobody else.
    """

    def __init__(self) -> None:
        self.lost: Mapping[str, int] = {}
        """The nodes that are lost, and how many tenants each has."""
        self.lost_at = -inf
        """When a node was found to be lost last."""
        self.is_watched = False
        self.suspected = asyncio.Event()
        """Tells the watch to ask at once."""
        self._rounds = asyncio.Condition()
        self._reachable: TextArray | None = None
        self._unreachable: frozenset[str] = frozenset()
        self._look_at = inf
        self._outages: dict[str, OutageLog] = {}
        self._turn = asyncio.Lock()

    def require(self, tenant: str) -> None:
        """Raise Busy while the watch knows that a tenant's node is lost. Then nothing has to wait for that node."""
        if self.has_lost(tenant):
            raise Busy(f"{NODE_LOST}; try again", is_told=True)

    def require_all(self) -> None:
        """Raise Busy while a node is lost. A statement of several parts needs all nodes, whatever it is about."""
        if self.lost:
            raise Busy(f"{NODE_LOST}; try again", is_told=True)

    def has_lost(self, tenant: str) -> bool:
        """Return whether the watch knows that a tenant's node is lost."""
        return tenant in self._unreachable

    async def rows(
        self, connection: Connection, *statements: bytes, parameters: Mapping[str, Any] | None = None
    ) -> list[tuple[Any, ...]]:
        """Execute statements about the tenants that they take, those that can be reached; None is for all.

        Return the rows of the last one. Plans are made each time: they are better with the tenants, and tables grow.
        """
        for tries_left in range(TRIES - 1, -1, -1):
            tenants = await self._tenants(connection)
            try:
                for statement in statements:
                    limited = {**(parameters or {}), "tenants": tenants}
                    cursor = await connection.execute(statement, limited, prepare=False)
                return await cursor.fetchall()
            except psycopg.Error as error:
                if not is_loss_of_node(error) or not tries_left:
                    raise
                self._look_at = -inf
        raise AssertionError

    async def _tenants(self, connection: Connection) -> TextArray | None:
        """Return the tenants that can be reached; None if all can."""
        async with self._turn:
            if monotonic() >= self._look_at:
                await (self._round() if self.is_watched else self._look(connection))
            return self._reachable

    async def _round(self) -> None:
        """Wait until the watch has asked all nodes once more."""
        self.suspected.set()
        async with self._rounds:
            with suppress(TimeoutError):
                async with asyncio.timeout(ROUND_SECONDS):
                    await self._rounds.wait()

    async def _look(self, connection: Connection) -> None:
        places = await places_in(connection)
        await self.note(places, {node: await loss(connection, tenants[0]) for node, tenants in places})

    async def note(self, places: Places, losses: Mapping[str, Unavailable | None]) -> None:
        """Note why each node cannot be reached; None if it answered."""
        self._tell(losses)
        self.lost = {node: len(tenants) for node, tenants in places if losses[node] is not None}
        reachable = [tenant for node, tenants in places if losses[node] is None for tenant in tenants]
        self._reachable, self._unreachable, self._look_at = None, frozenset(), inf
        if self.lost:
            self.lost_at = monotonic()
            self._reachable = texts(reachable)
            if self.is_watched:
                self._unreachable = frozenset(tenant for node, of in places if node in self.lost for tenant in of)
            else:
                self._look_at = self.lost_at + LOOK_SECONDS
        async with self._rounds:
            self._rounds.notify_all()

    def _tell(self, losses: Mapping[str, Unavailable | None]) -> None:
        for node, why in losses.items():
            if why is not None:
                begins, ends = f"Node {node} is lost, and its tenants wait", f"Node {node} is back"
                self._outages.setdefault(node, OutageLog(_log, begins, ends)).failed(why)
            elif outage := self._outages.pop(node, None):
                outage.over()


async def places_in(connection: Connection) -> Places:
    """Return the nodes, and the tenants of each. One server is one node, whose name is empty."""
    return await (await connection.execute(_SQL["tenants_by_node"])).fetchall()


async def loss(connection: Connection, tenant: str) -> Unavailable | None:
    """Return why the node of a tenant cannot be reached; None if it answers."""
    try:
        await connection.execute(_SQL["answers"], {"tenant": tenant})
    except psycopg.Error as error:
        if not is_loss_of_node(error):
            raise
        return unavailable(error)
    return None
