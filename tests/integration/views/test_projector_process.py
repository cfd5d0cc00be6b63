"""The projector on PostgreSQL: every event reaches every view exactly once, whatever happens to the projector."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from random import Random

import psycopg
import pytest

from api.bootstrap import open_projector
from api.services import Services
from application.views.projections.entries import Entry
from application.views.projections.timeline import TIMELINE
from application.views.upkeep.projector import Projector
from domain.values import TenantName
from infrastructure.postgres.database import open_pool
from infrastructure.views.write import PostgresViewStore
from tests.fix_postgres import database
from tests.projecting import (
    VIEWS,
    append_events,
    caught_up,
    lag,
    running_projector,
    tables,
    undisturbed,
)

TENANTS = ["acme", "globex", "initech"]


@pytest.fixture
def other_dsn(server_dsn: str, template_name: str) -> Iterator[str]:
    """Another migrated database, for a run that nothing disturbs."""
    with database(server_dsn, template=template_name) as dsn:
        yield dsn


@pytest.fixture
async def view_store(dsn: str) -> AsyncIterator[PostgresViewStore]:
    async with open_pool(dsn, size=2) as pool:
        yield PostgresViewStore(pool.connection, pool.connection)


@pytest.fixture
async def tenants(owner: Services) -> list[TenantName]:
    for name in TENANTS:
        await owner.credentials.create_tenant(name, is_implicit=True, dintero_account=None)
    return [TenantName(name) for name in TENANTS]


async def load(services: Services, *, seed: int, count: int) -> None:
    """Append to all tenants at the same time."""
    await asyncio.gather(
        *(append_events(services.store, name, Random(f"{name} {seed}"), count=count) for name in TENANTS)
    )


async def total(services: Services) -> int:
    """Return how many events all ledgers hold."""
    return sum([await services.store.head(TenantName(name)) for name in TENANTS])


async def check(dsn: str, other_dsn: str) -> None:
    """The views are those of a projector that nothing disturbed, and none of them is empty."""
    await caught_up(dsn)
    found, expected = await tables(dsn), await undisturbed(dsn, other_dsn)
    assert list(found) == VIEWS
    for view in VIEWS:
        assert found[view] == expected[view]
        assert found[view]


@pytest.mark.usefixtures("tenants")
async def test_a_projector_that_is_killed_again_and_again_projects_everything_once(
    services: Services, dsn: str, other_dsn: str
) -> None:
    moments = Random(1)
    await load(services, seed=0, count=10)

    for seed in range(1, 7):
        with running_projector(dsn):
            await caught_up(dsn)
            loading = asyncio.create_task(load(services, seed=seed, count=200))
            until = await total(services) + moments.randrange(1, 600)
            while await total(services) < until and not loading.done():
                pass
        await loading
        assert await lag(dsn) > 0
    with running_projector(dsn):
        await check(dsn, other_dsn)


@pytest.mark.usefixtures("tenants")
async def test_two_projectors_at_once_make_the_same_views(services: Services, dsn: str, other_dsn: str) -> None:
    await load(services, seed=1, count=300)

    with ExitStack() as processes:
        for _ in range(2):
            processes.enter_context(running_projector(dsn))
        await load(services, seed=2, count=300)
        await check(dsn, other_dsn)


async def test_a_projector_leaves_to_another_what_that_one_is_working_on(
    services: Services, tenants: list[TenantName], view_store: PostgresViewStore, projector: Projector
) -> None:
    await load(services, seed=1, count=20)
    await projector.behind()

    async with view_store.batch(tenants[0], ["timeline"]) as held:
        assert [checkpoint.projection for checkpoint in held.checkpoints] == ["timeline"]
        for tenant in tenants:
            assert await projector.catch_up(tenant) > 0
        assert await projector.behind() == [tenants[0]]
        assert await projector.catch_up(tenants[0]) == 0

    await projector.catch_up(tenants[0])
    assert await projector.behind() == []


@pytest.mark.usefixtures("tenants")
async def test_a_projector_survives_lost_connections(services: Services, dsn: str, other_dsn: str) -> None:
    terminate = """
        SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'projector'
    """
    terminated = 0

    with running_projector(dsn) as process:
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
            await load(services, seed=0, count=10)
            for seed in range(1, 5):
                await caught_up(dsn)
                loading = asyncio.create_task(load(services, seed=seed, count=100))
                until = await total(services) + 100
                while await total(services) < until:
                    pass
                [(count,)] = await (await connection.execute(terminate)).fetchall()
                terminated += count
                await loading
        await check(dsn, other_dsn)
        assert process.poll() is None

    # Each time there was at least the one that listens.
    assert terminated >= 4


async def test_a_batch_that_fails_on_its_way_leaves_neither_rows_nor_checkpoint(
    services: Services, tenants: list[TenantName], dsn: str, view_store: PostgresViewStore, projector: Projector
) -> None:
    await load(services, seed=1, count=20)
    await projector.behind()
    before = await tables(dsn), await lag(dsn)

    async def fail() -> None:
        async with view_store.batch(tenants[0], ["timeline"]) as batch:
            events = await view_store.events(tenants[0], after=0, limit=10)
            rows = TIMELINE.rows([Entry(event) for event in events], {})
            assert rows
            await batch.save("timeline", rows)
            await batch.advance(["timeline"], events[-1].position)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()

    assert (await tables(dsn), await lag(dsn)) == before


async def test_several_projectors_in_one_process_share_the_work(
    services: Services, tenants: list[TenantName], dsn: str, other_dsn: str
) -> None:
    await load(services, seed=1, count=200)

    async def keep_up(projector: Projector) -> None:
        while await projector.behind():
            for tenant in tenants:
                await projector.project(tenant)

    async with open_projector(dsn) as one, open_projector(dsn) as other:
        await asyncio.gather(keep_up(one), keep_up(other), load(services, seed=2, count=200))
        await asyncio.gather(keep_up(one), keep_up(other))

    await check(dsn, other_dsn)
