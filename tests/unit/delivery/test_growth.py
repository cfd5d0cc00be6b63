"""Growth: one listener wakes all followers of a tenant, and only as long as there are some."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from application.delivery.growth import Growth, growth_of
from domain.values import TenantName
from tests.builders import ACME

GLOBEX = TenantName("globex")
LONG, SHORT = 30.0, 0.01


class Appends:
    """Hints that a test gives, and how many listen to them."""

    def __init__(self) -> None:
        self.unheard: asyncio.Queue[set[TenantName] | Exception | None] = asyncio.Queue()
        self.listeners = 0
        self.begun = 0

    async def hints(self) -> AsyncGenerator[set[TenantName] | None, None]:
        self.listeners += 1
        self.begun += 1
        try:
            while True:
                hint = await self.unheard.get()
                if isinstance(hint, Exception):
                    raise hint
                yield hint
        finally:
            self.listeners -= 1

    async def are_heard_by(self, count: int) -> None:
        while self.listeners != count:  # noqa: ASYNC110 what is waited for is another task's turn
            await asyncio.sleep(0)


@pytest.fixture
def appends() -> Appends:
    return Appends()


@pytest.fixture
def growth(appends: Appends) -> Growth:
    return Growth(appends, rest_seconds=0)


async def test_all_followers_of_a_tenant_are_woken_and_no_others(growth: Growth, appends: Appends) -> None:
    with growth.followed(ACME) as one, growth.followed(ACME) as other, growth.followed(GLOBEX) as stranger:
        appends.unheard.put_nowait({ACME})

        assert await one.wait(LONG)
        assert await other.wait(LONG)
        assert not await stranger.wait(SHORT)


async def test_everybody_is_woken_when_anything_may_have_happened(growth: Growth, appends: Appends) -> None:
    with growth.followed(ACME) as one, growth.followed(GLOBEX) as other:
        appends.unheard.put_nowait(None)

        assert await one.wait(LONG)
        assert await other.wait(LONG)


async def test_what_happens_while_a_follower_reads_ends_its_next_wait(growth: Growth, appends: Appends) -> None:
    with growth.followed(ACME) as follower, growth.followed(ACME) as witness:
        appends.unheard.put_nowait({ACME})
        await witness.wait(LONG)

        assert await follower.wait(LONG)
        assert not await follower.wait(SHORT)


async def test_however_many_follow_one_listens_and_nobody_once_all_have_left(growth: Growth, appends: Appends) -> None:
    with growth.followed(ACME), growth.followed(ACME), growth.followed(GLOBEX):
        await appends.are_heard_by(1)

    await appends.are_heard_by(0)
    with growth.followed(ACME) as late:
        appends.unheard.put_nowait({ACME})
        assert await late.wait(LONG)
    assert appends.begun == 2


async def test_a_listener_that_fails_listens_again(growth: Growth, appends: Appends) -> None:
    with growth.followed(ACME) as follower:
        appends.unheard.put_nowait(RuntimeError("broken"))
        appends.unheard.put_nowait({ACME})

        assert await follower.wait(LONG)


async def test_nobody_listens_after_the_end(appends: Appends) -> None:
    async with growth_of(appends) as growth:
        with growth.followed(ACME):
            await appends.are_heard_by(1)
            await growth.close()

            assert appends.listeners == 0
