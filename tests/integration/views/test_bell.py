"""The bell: readers who wait for the views wake the projector, but not all at once."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from domain.values import TenantName
from infrastructure.postgres.database import open_pool
from infrastructure.postgres.listener import Listener
from infrastructure.postgres.watch import Watch
from infrastructure.views.bell import PAUSE_SECONDS, READERS, PostgresBell

ONE, OTHER = TenantName("one"), TenantName("other")


@pytest.fixture
async def rings(shared_dsn: str) -> AsyncIterator["asyncio.Queue[TenantName]"]:
    """The tenants for whom the bell is heard."""
    heard: asyncio.Queue[TenantName] = asyncio.Queue()
    hints = Listener(shared_dsn, channel=READERS, poll_seconds=0.05).hints()
    assert await anext(hints) is None

    async def hear() -> None:
        async for rung in hints:
            for tenant in rung or ():
                heard.put_nowait(tenant)

    task = asyncio.create_task(hear())
    async with asyncio.timeout(30):
        yield heard
    task.cancel()
    await asyncio.wait([task])


async def test_many_who_wait_ring_once(shared_dsn: str, rings: "asyncio.Queue[TenantName]") -> None:
    async with open_pool(shared_dsn, size=4) as pool:
        bell = PostgresBell(pool)
        for _ in range(20):
            bell.ring(ONE)
        assert await rings.get() == ONE
        PostgresBell(pool).ring(OTHER)
        assert await rings.get() == OTHER

    assert rings.empty()


async def test_who_came_too_soon_after_another_is_rung_for_next(
    shared_dsn: str, rings: "asyncio.Queue[TenantName]"
) -> None:
    async with open_pool(shared_dsn, size=1) as pool:
        bell = PostgresBell(pool)
        bell.ring(ONE)
        assert await rings.get() == ONE
        bell.ring(OTHER)
        await asyncio.sleep(2 * PAUSE_SECONDS)
        bell.ring(ONE)
        assert {await rings.get(), await rings.get()} <= {ONE, OTHER}


async def test_nobody_rings_where_nothing_can_be_sent(shared_dsn: str, rings: "asyncio.Queue[TenantName]") -> None:
    watch = Watch()
    async with open_pool(shared_dsn, size=1, watch=watch) as pool:
        watch.takes_writes = False
        PostgresBell(pool).ring(ONE)
        watch.takes_writes = True
        PostgresBell(pool).ring(OTHER)
        assert await rings.get() == OTHER

    assert rings.empty()


async def test_a_ring_that_takes_long_is_the_only_one_and_takes_nobodys_time(
    shared_dsn: str, rings: "asyncio.Queue[TenantName]"
) -> None:
    async with open_pool(shared_dsn, size=1) as pool:
        bell = PostgresBell(pool)
        async with pool.connection():
            for _ in range(5):
                bell.ring(ONE)
                await asyncio.sleep(PAUSE_SECONDS)
            assert [task.get_name() for task in asyncio.all_tasks()].count("bell") == 1
            assert rings.empty()
        assert await rings.get() == ONE
