"""Statistics hold samples of what tables have; of people they must hold nothing, as nobody erases it there."""

import psycopg
import pytest

from api.services import Services
from application.access.callers import Tenant
from application.views.upkeep.projector import Projector
from domain.values import Actor, Customer
from tests.cluster import servers

WORD = "Undine"


async def tell(services: Services, owner: Services, tenant: Tenant, projector: Projector) -> None:
    """Tell of ten people, in whatever way their names are kept as they are."""
    for n in range(10):
        person = Actor(id=f"u-{n}", name=f"{WORD} {n}", type="User")
        customer = Customer(id=f"c-{n}", name=f"{WORD} {n}")
        await services.orders.create(tenant, f"A-{n}", customer=customer, actor=person)
        await owner.credentials.create_key(tenant.name, scopes=(), name=f"{WORD} {n}", performer=person)
    for name in await projector.behind():
        await projector.catch_up(name)


async def run(dsn: str, statement: str) -> None:
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        await connection.execute(statement.encode())


async def found(dsn: str) -> set[str]:
    """Return the columns whose statistics have the word."""
    columns: set[str] = set()
    for server in servers(dsn):
        async with await psycopg.AsyncConnection.connect(server, autocommit=True) as connection:
            # A node hides the parts of tables that it has; a server without Citus knows no such setting, and takes it.
            await connection.execute("SET citus.show_shards_for_app_name_prefixes = '*'")
            await connection.execute("ANALYZE")
            cursor = await connection.execute(
                "SELECT attname FROM pg_stats WHERE concat(most_common_vals, histogram_bounds) ILIKE %s", [f"%{WORD}%"]
            )
            columns |= {name for (name,) in await cursor.fetchall()}
    return columns


async def test_statistics_hold_no_names(
    services: Services, owner: Services, tenant: Tenant, projector: Projector, dsn: str
) -> None:
    await tell(services, owner, tenant, projector)

    assert await found(dsn) == set()


@pytest.mark.one_server("the columns of a table that is distributed keep the statistics that they have")
async def test_otherwise_statistics_would_hold_names(
    services: Services, owner: Services, tenant: Tenant, projector: Projector, dsn: str
) -> None:
    columns = {"order_state": ["search"], "credentials": ["name", "performer_name"]}
    for table, names in columns.items():
        for name in names:
            await run(dsn, f"ALTER TABLE ordertrail.{table} ALTER COLUMN {name} SET STATISTICS -1")
    await tell(services, owner, tenant, projector)

    assert await found(dsn) == {"search", "name", "performer_name"}
