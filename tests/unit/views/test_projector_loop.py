"""Keeping up: what comes alone is projected at once, and what pours in together."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from application.views.projections.entries import Entry
from application.views.projections.projection import Projection, Row
from application.views.upkeep.loop import FEW, Rest, keep_up
from application.views.upkeep.projector import Projector
from domain.values import TenantName
from tests.builders import ACME, a_ledger, an_event
from tests.fakes import FakeViewStore

FOR_EVER = 3_600.0


class Readers:
    """Readers that wait for the views, and say so."""

    def __init__(self) -> None:
        self.waiting: asyncio.Queue[set[TenantName] | None] = asyncio.Queue()

    async def hints(self) -> AsyncIterator[set[TenantName] | None]:
        while True:
            yield await self.waiting.get()


class Appends:
    """A ledger that grows, and hints of it that are heard when they are asked for."""

    def __init__(self) -> None:
        self.views = FakeViewStore(a=0)
        self.unheard: asyncio.Queue[set[TenantName]] = asyncio.Queue()
        self.readers = Readers()

    def append(self, count: int) -> None:
        size = len(self.views.ledgers[ACME]) + count
        self.views.ledgers[ACME] = a_ledger(*(an_event() for _ in range(size)))
        self.unheard.put_nowait({ACME})

    async def hints(self) -> AsyncIterator[set[TenantName] | None]:
        while True:
            yield await self.unheard.get()

    @property
    def is_projected(self) -> bool:
        return self.views.checkpoints["a"].position == len(self.views.ledgers[ACME])


def rows(entries: Sequence[Entry], _present: Mapping[str, Any]) -> list[Row]:
    return [("a", entry.position) for entry in entries]


@asynccontextmanager
async def kept_up(*, rest: Rest) -> AsyncIterator[Appends]:
    appends = Appends()
    projector = Projector(appends.views, [Projection("a", rows)])
    task = asyncio.create_task(keep_up(projector, appends, appends.readers, rest=rest))
    async with asyncio.timeout(10):
        yield appends
    task.cancel()
    await asyncio.wait([task])


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 what is waited for is another task's turn
        await asyncio.sleep(0)


async def test_events_that_come_alone_are_projected_at_once() -> None:
    async with kept_up(rest=Rest(FOR_EVER, FOR_EVER)) as appends:
        for _ in range(20):
            appends.append(FEW)
            await until(lambda: appends.is_projected)


async def test_after_a_burst_hints_wait_until_a_rest_is_over() -> None:
    async with kept_up(rest=Rest(FOR_EVER, FOR_EVER)) as appends:
        appends.append(FEW + 1)
        await until(lambda: appends.is_projected)

        for _ in range(20):
            appends.append(1)
            await asyncio.sleep(0)

        # One was being waited for when the rest began.
        assert appends.unheard.qsize() == 19
        assert len(appends.views.rows["a"]) == FEW + 1


async def test_a_reader_who_waits_cuts_a_rest_short() -> None:
    async with kept_up(rest=Rest(awaited=0.0, unawaited=FOR_EVER)) as appends:
        for _ in range(20):
            appends.append(FEW + 1)
            await until(lambda: appends.is_projected)
            appends.readers.waiting.put_nowait({ACME})


async def test_a_reader_who_waits_leaves_the_projector_the_rest_between_two_rounds() -> None:
    async with kept_up(rest=Rest(awaited=FOR_EVER, unawaited=FOR_EVER)) as appends:
        appends.append(FEW + 1)
        await until(lambda: appends.is_projected)

        appends.readers.waiting.put_nowait({ACME})
        appends.append(1)
        for _ in range(20):
            await asyncio.sleep(0)

        assert not appends.is_projected


async def test_silence_of_readers_cuts_no_rest_short() -> None:
    async with kept_up(rest=Rest(awaited=0.0, unawaited=FOR_EVER)) as appends:
        appends.append(FEW + 1)
        await until(lambda: appends.is_projected)

        appends.readers.waiting.put_nowait(None)
        appends.append(1)
        for _ in range(20):
            await asyncio.sleep(0)

        assert not appends.is_projected


async def test_readers_who_ring_in_vain_do_not_keep_the_projector_busy() -> None:
    async with kept_up(rest=Rest(awaited=FOR_EVER, unawaited=FOR_EVER)) as appends:
        for _ in range(20):
            appends.readers.waiting.put_nowait({ACME})
            for _ in range(20):
                await asyncio.sleep(0)

        assert appends.readers.waiting.qsize() == 19


async def test_what_pours_in_is_all_projected() -> None:
    async with kept_up(rest=Rest(0.001, 0.001)) as appends:
        for _ in range(20):
            appends.append(FEW + 1)
            await asyncio.sleep(0)

        await until(lambda: appends.is_projected)

    assert appends.views.positions_in("a") == list(range(1, 20 * (FEW + 1) + 1))
