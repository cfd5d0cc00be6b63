"""A cluster of two nodes that are lost or hang, without any server."""

import asyncio
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from infrastructure.postgres.statements import statements

_SQL = statements("nodes")
QUESTION = b"SELECT the tenants"


class NodeIsLost(psycopg.OperationalError):
    sqlstate = "08006"
    diag = SimpleNamespace(  # type: ignore[assignment]
        severity_nonlocalized="ERROR", message_primary="refused", message_detail=None, message_hint=None, context=None
    )


class FakeCluster:
    """A cluster of two nodes, of which some are lost or hang. It is a connection to it as well."""

    def __init__(self) -> None:
        self.places = {"a:1": ["acme", "globex"], "b:2": ["initech"]}
        self.lost: set[str] = set()
        self.hanging: set[str] = set()
        self.asked: list[bytes] = []
        self.connections = 0

    async def connect(self) -> "FakeConnection":
        self.connections += 1
        return FakeConnection(self)

    async def execute(
        self, statement: bytes, parameters: Mapping[str, Any] | None = None, **_: object
    ) -> "FakeCluster":
        self.asked.append(statement)
        self.rows: list[tuple[Any, ...]] = []
        if statement == _SQL["tenants_by_node"]:
            self.rows = list(self.places.items())
        elif parameters is not None:
            self._answer(parameters)
        return self

    async def fetchall(self) -> list[tuple[Any, ...]]:
        return self.rows

    def wanted(self, parameters: Mapping[str, Any]) -> set[str]:
        """Return the tenants that a statement is about."""
        everybody = [tenant for tenants in self.places.values() for tenant in tenants]
        names = [parameters["tenant"]] if "tenant" in parameters else parameters["tenants"]
        return {name if isinstance(name, str) else name.decode() for name in (everybody if names is None else names)}

    def _answer(self, parameters: Mapping[str, Any]) -> None:
        names = self.wanted(parameters)
        if any(names & set(self.places[node]) for node in self.lost):
            raise NodeIsLost
        self.rows = [(name,) for tenants in self.places.values() for name in tenants if name in names]


class FakeConnection:
    """A connection to a cluster, which waits for nodes that hang."""

    def __init__(self, cluster: FakeCluster) -> None:
        self._cluster = cluster
        self._gone = asyncio.Event()
        self.pgconn = SimpleNamespace(transaction_status=TransactionStatus.IDLE)

    @property
    def closed(self) -> bool:
        return self._gone.is_set()

    def hang_up(self) -> None:
        self._gone.set()

    async def close(self) -> None:
        self._gone.set()

    async def execute(self, statement: bytes, parameters: Mapping[str, Any] | None = None, **_: object) -> FakeCluster:
        wanted = set() if parameters is None else self._cluster.wanted(parameters)
        if any(wanted & set(self._cluster.places[node]) for node in self._cluster.hanging):
            await self._gone.wait()
            raise psycopg.OperationalError("the connection is lost")
        return await self._cluster.execute(statement, parameters)
