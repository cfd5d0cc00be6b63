"""Tenants on two nodes of a cluster, of which one is lost."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import NamedTuple

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from application.ledger.port import ANY, Append, Write
from domain.values import TenantName
from infrastructure.keys.credentials import PostgresCredentialStore
from infrastructure.ledger.event_store import PostgresEventStore
from infrastructure.ledger.group_commit import open_group_commit
from infrastructure.postgres.database import open_pool
from tests.cluster import nodes
from tests.fix_store import new_event

NODE_OF = """
SELECT n.nodename, n.nodeport
FROM (SELECT get_shard_id_for_distribution_column('ordertrail.ledgers', %s::text) AS shardid) AS s
JOIN pg_dist_placement AS p USING (shardid) JOIN pg_dist_node AS n USING (groupid)
"""


class Shop(NamedTuple):
    """Tenants, two of which are on two nodes, and the store."""

    store: PostgresEventStore
    lost: TenantName
    other: TenantName
    node: str
    """The DSN of the first tenant's node."""
    places: dict[tuple[str, int], list[TenantName]]
    """The tenants of each node, by its host and port."""

    async def append(self, tenant: TenantName, name: str) -> int:
        appended = await self.store.append(Append(tenant, (Write("order-1", ANY, (new_event(name),)),)))
        return appended.last_position

    async def ids(self, tenant: TenantName) -> list[str]:
        return [event.event_id for event in await self.store.read_ledger(tenant)]


@asynccontextmanager
async def open_shop(dsn: str) -> AsyncIterator[Shop]:
    places: dict[tuple[str, int], list[TenantName]] = {}
    async with open_pool(dsn, size=1, as_owner=True) as owner:
        for n in range(20):
            await PostgresCredentialStore(owner).create_tenant(f"shop-{n}", is_implicit=True, dintero_account=None)
    with psycopg.connect(dsn) as connection:
        for n in range(20):
            place = connection.execute(NODE_OF, [f"shop-{n}"]).fetchone()
            assert place is not None
            places.setdefault(place, []).append(TenantName(f"shop-{n}"))
    ((_, port), [lost, *_]), (_, [other, *_]) = list(places.items())[:2]
    node = next(node for node in nodes(dsn) if str(conninfo_to_dict(node).get("port")) == str(port))
    async with open_pool(dsn, size=2) as pool, open_group_commit(dsn, reconnect_seconds=(0.0, 0.1)) as writer:
        store = PostgresEventStore(pool, writer)
        yield Shop(store, lost, other, node, places)


@contextmanager
def gone(node: str) -> Iterator[None]:
    """Let nobody connect to a node's database, and end all sessions, as a crash of its server does."""
    name = conninfo_to_dict(node)["dbname"]
    allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    with psycopg.connect(make_conninfo(node, dbname="postgres"), autocommit=True) as connection:
        connection.execute(allow.format(sql.Identifier(name), sql.SQL("false")))
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        try:
            yield
        finally:
            connection.execute(allow.format(sql.Identifier(name), sql.SQL("true")))


@contextmanager
def hanging(node: str) -> Iterator[None]:
    """Hold the ledgers that a node has, so that whoever asks for one waits, as if the node hung."""
    parts = """
        SELECT c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = 'ordertrail' AND c.relname ~ '^ledgers_[0-9]+$' AND c.relkind = 'r'
    """
    with psycopg.connect(node) as connection:
        connection.execute("SET citus.show_shards_for_app_name_prefixes = '*'")
        connection.execute("SET citus.enable_manual_changes_to_shards = on")
        for (name,) in connection.execute(parts).fetchall():
            lock = sql.SQL("LOCK TABLE ordertrail.{} IN ACCESS EXCLUSIVE MODE")
            connection.execute(lock.format(sql.Identifier(name)))
        yield
        connection.rollback()
