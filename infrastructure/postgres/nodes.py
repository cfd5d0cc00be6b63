"""What is asked of all tenants of a cluster: those whose node is lost are left out. One server is one node."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from math import inf
from time import monotonic
from typing import Any

import psycopg

from application.runtime.outage_log import OutageLog
from domain.errors import Unavailable
from infrastructure.postgres.arrays import TextArray, texts
from infrastructure.postgres.patience import Connection
from infrastructure.postgres.reasons import is_loss_of_node, unavailable
from infrastructure.postgres.statements import statements

_log = logging.getLogger(__name__)
_SQL = statements("nodes")

LOOK_SECONDS = 1.0
"""How often the nodes are asked while one is lost."""
TRIES = 3
"""How often a statement is executed: nodes may be lost one after the other."""


class Nodes:
    """Knows which nodes are lost, as far as this process has seen it.

    As long as none is, nothing is asked. Once a statement fails because of one, each node is asked, and again after a
    while, until all answer.
    """

    def __init__(self) -> None:
        self.lost: Mapping[str, int] = {}
        """The nodes that are lost, and how many tenants each has."""
        self.lost_at = -inf
        """When a node was found to be lost last."""
        self._reachable: TextArray | None = None
        self._look_at = inf
        self._outages: dict[str, OutageLog] = {}
        self._turn = asyncio.Lock()

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
                await self._look(connection)
            return self._reachable

    async def _look(self, connection: Connection) -> None:
        found = await (await connection.execute(_SQL["tenants_by_node"])).fetchall()
        losses = {node: await _loss(connection, tenants) for node, tenants in found}
        self._tell(losses)
        self.lost = {node: len(tenants) for node, tenants in found if losses[node] is not None}
        reachable = [tenant for node, tenants in found if losses[node] is None for tenant in tenants]
        self._reachable, self._look_at = None, inf
        if self.lost:
            self.lost_at = monotonic()
            self._reachable, self._look_at = texts(reachable), self.lost_at + LOOK_SECONDS

    def _tell(self, losses: Mapping[str, Unavailable | None]) -> None:
        for node, loss in losses.items():
            if loss is not None:
                begins, ends = f"Node {node} is lost, and its tenants wait", f"Node {node} is back"
                self._outages.setdefault(node, OutageLog(_log, begins, ends)).failed(loss)
            elif outage := self._outages.pop(node, None):
                outage.over()


async def _loss(connection: Connection, tenants: Sequence[str]) -> Unavailable | None:
    """Return why the node of these tenants cannot be reached; None if it answers."""
    try:
        await connection.execute(_SQL["answers"], {"tenant": tenants[0]})
    except psycopg.Error as error:
        if not is_loss_of_node(error):
            raise
        return unavailable(error)
    return None
