"""Requests hold so much together; one owner's leave room for others."""

import asyncio
from collections.abc import Callable
from contextvars import Context

import pytest

from application.runtime.room import AT_ONCE, Crowded, Part, Room

SIZE = 10 * AT_ONCE


class Holding:
    """A request that holds room until it is told to end."""

    def __init__(self, room: Room, owner: str, *sizes: int) -> None:
        self._over = asyncio.Event()
        self.task = asyncio.create_task(self._run(room, owner, sizes), context=Context())

    async def _run(self, room: Room, owner: str, sizes: tuple[int, ...]) -> None:
        for size in sizes:
            await room.hold(owner, Part.READ, size * AT_ONCE)
        self.has_room = True
        await self._over.wait()

    has_room = False

    async def end(self) -> None:
        self._over.set()
        await self.task


async def _settled(*holdings: Holding) -> list[bool]:
    """Let everybody run until nobody can go on; return who has room."""
    for _ in range(10):
        await asyncio.sleep(0)
    return [holding.has_room for holding in holdings]


@pytest.fixture
def hold() -> Callable[..., Holding]:
    room = Room(SIZE)
    return lambda owner, *sizes: Holding(room, owner, *sizes)


async def test_an_owner_has_half_of_the_room_and_others_the_rest(hold: Callable[..., Holding]) -> None:
    requests = [hold("a", 3), hold("a", 3), hold("b", 5), hold("c", 2), hold("d", 2)]

    assert await _settled(*requests) == [True, False, True, True, False]

    await requests[2].end()
    assert await _settled(*requests) == [True, False, True, True, True]
    await requests[0].end()
    assert await _settled(requests[1]) == [True]
    for request in (requests[1], requests[3], requests[4]):
        await request.end()


async def test_what_is_larger_than_the_room_has_it_alone(hold: Callable[..., Holding]) -> None:
    first, large, other = hold("a", 2), hold("b", 99), hold("c", 2)
    assert await _settled(first, large, other) == [True, False, True]

    for request in (first, other):
        await request.end()

    last = hold("a", 2)
    assert await _settled(large, last) == [True, False]
    await large.end()
    assert await _settled(last) == [True]
    await last.end()


async def test_what_is_small_always_has_room(hold: Callable[..., Holding]) -> None:
    large, small = hold("a", 99), hold("a", 1)

    assert await _settled(large, small) == [True, True]
    for request in (large, small):
        await request.end()


async def test_a_request_holds_its_largest_part_once(hold: Callable[..., Holding]) -> None:
    one, other = hold("a", 2, 4, 3), hold("b", 5)
    assert await _settled(one, other) == [True, True]

    third = hold("c", 2)

    assert await _settled(third) == [False]
    for request in (one, other, third):
        await request.end()


async def test_tasks_of_one_request_hold_together() -> None:
    room = Room(SIZE)
    await room.hold("a", Part.READ, 4 * AT_ONCE)

    async with asyncio.timeout(1):
        await asyncio.create_task(room.hold("a", Part.READ, 5 * AT_ONCE))


async def test_whoever_waits_too_long_is_told_to_come_again() -> None:
    room = Room(SIZE, patience=0.01)
    large = Holding(room, "a", 99)
    await _settled(large)

    with pytest.raises(Crowded, match="try again"):
        await Holding(room, "b", 2).task

    await large.end()


async def test_what_was_given_back_is_others() -> None:
    room = Room(SIZE)
    await room.hold("a", Part.READ, 5 * AT_ONCE)
    await room.hold("a", Part.SENT, 2 * AT_ONCE)
    waiting = Holding(room, "b", 5)
    assert await _settled(waiting) == [False]

    room.give_back(Part.READ)

    assert await _settled(waiting) == [True]
    await waiting.end()
