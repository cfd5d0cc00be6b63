"""Many tenants are projected together: the views are those of one after the other, and no tenant holds up another."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any, LiteralString

import psycopg
import pytest

from api.bootstrap import open_projector
from api.cli.maintenance import create_tenant
from api.services import Services
from application.views.projections.catalogue import PROJECTIONS
from application.views.projections.entries import Entry
from application.views.projections.projection import Projection, Row
from application.views.upkeep.joint_projecting import FEW
from application.views.upkeep.projector import Projector
from domain.values import TenantName
from infrastructure.postgres.database import open_pool
from infrastructure.views.together import PostgresJointViews
from infrastructure.views.write import PostgresViewStore
from tests.fix_postgres import database
from tests.projecting import VIEWS, append_events, lag, tables, undisturbed

SHOPS = [TenantName(f"shop-{n}") for n in range(8)]
SHOP = SHOPS[3]
OTHERS = set(SHOPS) - {SHOP}


@pytest.fixture
async def shops(services: Services, dsn: str, projector: Projector) -> Random:
    """Eight tenants with a few events each, and checkpoints."""
    random = Random(7)
    for shop in SHOPS:
        await create_tenant(dsn, shop, is_implicit=True, dintero_account=None)
        await append_events(services.store, shop, random, count=10)
    await projector.behind()
    return random


async def run(dsn: str, sql: LiteralString) -> None:
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        await connection.execute(sql)


async def positions(dsn: str, tenant: TenantName) -> set[int]:
    query = "SELECT position FROM ordertrail.checkpoints WHERE tenant = %s"
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        return {position for (position,) in await (await connection.execute(query, [tenant])).fetchall()}


async def head(services: Services, tenant: TenantName) -> int:
    return int(await services.store.head(tenant))


async def test_the_views_are_those_of_one_tenant_after_the_other(
    services: Services, dsn: str, shops: Random, projector: Projector, server_dsn: str, template_name: str
) -> None:
    for _ in range(4):
        read = await projector.project_together(SHOPS)
        assert read.keys() == set(SHOPS)
        for shop in SHOPS:
            await append_events(services.store, shop, shops, count=shops.randrange(4))
    await projector.project_together(SHOPS)

    assert await lag(dsn) == 0
    with database(server_dsn, template=template_name) as empty:
        assert await tables(dsn) == await undisturbed(dsn, empty)


async def test_projectors_that_project_the_same_tenants_at_once_write_each_row_once(
    services: Services, dsn: str, shops: Random, projector: Projector, server_dsn: str, template_name: str
) -> None:
    async with open_projector(dsn) as other:
        for _ in range(6):
            appends = [append_events(services.store, shop, shops, count=5) for shop in SHOPS]
            both = (each.project_together(SHOPS) for each in (projector, other))
            found, _ = await asyncio.gather(asyncio.gather(*both), asyncio.gather(*appends))
            assert [read.keys() for read in found] == [set(SHOPS)] * 2
        await projector.project_together(SHOPS)

    assert await lag(dsn) == 0
    with database(server_dsn, template=template_name) as empty:
        assert await tables(dsn) == await undisturbed(dsn, empty)


async def test_a_tenant_whose_views_somebody_holds_is_left_and_nobody_waits_for_it(
    services: Services, dsn: str, shops: Random, projector: Projector
) -> None:
    async with await psycopg.AsyncConnection.connect(dsn) as somebody:
        await somebody.execute(
            "SELECT FROM ordertrail.checkpoints WHERE tenant = 'shop-3' AND projection = 'timeline' FOR UPDATE"
        )
        async with asyncio.timeout(30):
            read = await projector.project_together(SHOPS)

        assert read == {shop: 0 if shop == SHOP else await head(services, shop) for shop in SHOPS}
        assert await positions(dsn, SHOP) == {0}
        await somebody.rollback()
    await projector.project_together(SHOPS)
    assert await lag(dsn) == 0


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE ordertrail.checkpoints SET error = 'a bug' WHERE tenant = 'shop-3' AND projection = 'timeline'",
        "UPDATE ordertrail.checkpoints SET position = 1 WHERE tenant = 'shop-3' AND projection = 'timeline'",
        "UPDATE ordertrail.checkpoints SET position = 99 WHERE tenant = 'shop-3'",
        "UPDATE ordertrail.checkpoints SET must_be_rebuilt = true WHERE tenant = 'shop-3' AND projection = 'timeline'",
        "DELETE FROM ordertrail.checkpoints WHERE tenant = 'shop-3' AND projection = 'timeline'",
        "UPDATE ordertrail.events SET data = decode(repeat('20', 9000), 'hex') || data WHERE tenant = 'shop-3'",
        "UPDATE ordertrail.events SET type = 'order.unknown' WHERE tenant = 'shop-3' AND position = 2",
    ],
)
async def test_a_tenant_that_is_not_as_expected_is_left_to_be_projected_alone(
    dsn: str, shops: Random, projector: Projector, change: LiteralString
) -> None:
    await run(dsn, change)

    read = await projector.project_together(SHOPS)

    assert read.keys() == OTHERS
    assert [await positions(dsn, shop) - {read[shop]} for shop in OTHERS] == [set()] * len(OTHERS)


async def test_a_tenant_with_many_events_is_left_to_be_projected_alone(
    services: Services, dsn: str, shops: Random, projector: Projector
) -> None:
    await append_events(services.store, SHOP, shops, count=FEW)

    assert (await projector.project_together(SHOPS)).keys() == OTHERS


async def test_a_row_that_cannot_be_written_holds_up_its_own_tenant_only(
    dsn: str, shops: Random, projector: Projector
) -> None:
    await run(
        dsn,
        "INSERT INTO ordertrail.timeline (tenant, order_id, position, kind, type, occurred_at)"
        " SELECT tenant, substr(stream, 7), position, '', '', occurred_at FROM ordertrail.events"
        " WHERE tenant = 'shop-3' AND stream LIKE 'order-%'",
    )

    assert (await projector.project_together(SHOPS)).keys() == OTHERS
    assert await positions(dsn, SHOP) == {0}

    await projector.project(SHOP)
    assert len(await positions(dsn, SHOP)) == 2  # the timeline has stopped, and all other views went on


async def test_a_projection_with_a_bug_holds_up_the_tenants_whose_events_show_it(dsn: str, shops: Random) -> None:
    def rows(entries: Sequence[Entry], present: Any) -> Sequence[Row]:
        if len(entries) == victims[SHOP]:
            raise ZeroDivisionError("a bug")
        return timeline.rows(entries, present)

    def with_bug() -> list[Projection]:
        return [replace(p, rows=rows) if p.name == "timeline" else p for p in PROJECTIONS]

    timeline, victims = PROJECTIONS[VIEWS.index("timeline")], {SHOP: 0}
    async with open_pool(dsn, size=2) as pool:
        store, together = PostgresViewStore(pool.connection, pool.connection), PostgresJointViews(pool)
        found = await together.next_events(SHOPS, VIEWS, limit=FEW)
        victims[SHOP] = next(len(events) for tenant, _, events in found if tenant == SHOP)
        with_it = {tenant for tenant, _, events in found if len(events) == victims[SHOP]}
        read = await Projector(store, with_bug(), together=together).project_together(SHOPS)

    assert read.keys() == set(SHOPS) - with_it


async def test_tenants_that_were_written_to_lately_are_found_among_all(
    services: Services, dsn: str, shops: Random, projector: Projector
) -> None:
    assert set(await projector.behind()) == set(SHOPS)
    await projector.project_together(SHOPS)
    assert await projector.behind() == []

    await append_events(services.store, SHOP, shops, count=1)
    await create_tenant(dsn, "new", is_implicit=True, dintero_account=None)
    await append_events(services.store, "new", shops, count=1)

    assert set(await projector.behind()) == {SHOP, "new"}
