"""If a node of the cluster is lost, its tenants hear so, the others go on, and what was acknowledged is there."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from application.ledger.port import ANY, Append, Write
from domain.errors import OutcomeUnknown, Unavailable
from domain.values import TenantName
from infrastructure.keys.credentials import PostgresCredentialStore
from infrastructure.ledger.event_store import PostgresEventStore
from infrastructure.ledger.group_commit import open_group_commit
from infrastructure.postgres.database import open_pool
from tests.cluster import nodes
from tests.fix_store import new_event

pytestmark = pytest.mark.citus

NODE_OF = """
SELECT n.nodename, n.nodeport
FROM (SELECT get_shard_id_for_distribution_column('ordertrail.ledgers', %s::text) AS shardid) AS s
JOIN pg_dist_placement AS p USING (shardid) JOIN pg_dist_node AS n USING (groupid)
"""


class Shop(NamedTuple):
    """Two tenants on two nodes, and the store."""

    store: PostgresEventStore
    lost: TenantName
    other: TenantName
    node: str
    """The DSN of the first tenant's node."""

    async def append(self, tenant: TenantName, name: str) -> int:
        appended = await self.store.append(Append(tenant, (Write("order-1", ANY, (new_event(name),)),)))
        return appended.last_position

    async def ids(self, tenant: TenantName) -> list[str]:
        return [event.event_id for event in await self.store.read_ledger(tenant)]


@pytest.fixture
async def shop(dsn: str) -> AsyncIterator[Shop]:
    by_node: dict[tuple[str, int], str] = {}
    async with open_pool(dsn, size=1, as_owner=True) as owner:
        for n in range(20):
            await PostgresCredentialStore(owner).create_tenant(f"shop-{n}", is_implicit=True, dintero_account=None)
    with psycopg.connect(dsn) as connection:
        for n in range(20):
            place = connection.execute(NODE_OF, [f"shop-{n}"]).fetchone()
            assert place is not None
            by_node.setdefault(place, f"shop-{n}")
    (_, port), lost = next(iter(by_node.items()))
    node = next(node for node in nodes(dsn) if str(conninfo_to_dict(node).get("port")) == str(port))
    other = next(tenant for tenant in by_node.values() if tenant != lost)
    async with open_pool(dsn, size=2) as pool, open_group_commit(dsn, reconnect_seconds=(0.0, 0.1)) as writer:
        store = PostgresEventStore(pool, writer)
        yield Shop(store, TenantName(lost), TenantName(other), make_conninfo(node, host=conninfo_to_dict(node)["host"]))


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


async def test_tenants_of_a_lost_node_hear_so_and_the_others_go_on(shop: Shop) -> None:
    acknowledged = [await shop.append(shop.lost, "before"), await shop.append(shop.other, "before")]

    with gone(shop.node):
        with pytest.raises((Unavailable, OutcomeUnknown)):
            await shop.append(shop.lost, "in between")
        assert await shop.append(shop.other, "meanwhile") == 2
        with pytest.raises(Unavailable, match="cannot be reached"):
            await shop.append(shop.lost, "known to be lost")
        with pytest.raises(Unavailable, match="cannot be reached"):
            await shop.ids(shop.lost)

    assert acknowledged == [1, 1]
    assert await shop.append(shop.lost, "after") == 2
    assert await shop.ids(shop.lost) == ["before", "after"]
    assert await shop.ids(shop.other) == ["before", "meanwhile"]
