"""A decision that loses to another writer is taken anew, and decisions of one process wait for each other."""

import asyncio

import pytest

from application.ledger.conflicts import Tries, Turns
from domain.errors import Busy, VersionConflict

ORDER = "order-A"


async def _attempt(attempts: Tries, *conflicts: str) -> int:
    """Lose in these streams, one after the other, and return how many attempts were made."""
    made, left = 0, list(conflicts)
    async for attempt in attempts:
        made += 1
        with attempt.may_lose({ORDER}):
            if not left:
                return made
            raise VersionConflict(left.pop(0), "1", 2)
    raise AssertionError


async def test_a_decision_is_taken_anew_until_nobody_was_faster() -> None:
    assert await _attempt(Tries(), ORDER, ORDER, ORDER) == 4


async def test_a_conflict_in_another_stream_is_the_answer() -> None:
    with pytest.raises(VersionConflict):
        await _attempt(Tries(), "order-B")


async def test_who_loses_for_too_long_may_try_again_later() -> None:
    with pytest.raises(Busy, match="change the same order all the time; try again"):
        await _attempt(Tries(seconds=-1), ORDER)


async def test_decisions_about_one_thing_take_turns_and_others_do_not_wait() -> None:
    turns, inside, most = Turns(), 0, 0

    async def decide(what: str) -> None:
        nonlocal inside, most
        async with turns.of(what):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*[decide("same") for _ in range(10)])
    most_of_same = most
    await asyncio.gather(*[decide(f"other {n}") for n in range(10)])

    assert (most_of_same, most) == (1, 10)


async def test_who_waits_too_long_for_its_turn_may_try_again_later() -> None:
    turns = Turns(seconds=0.01)
    async with turns.of(ORDER):
        with pytest.raises(Busy):
            async with turns.of(ORDER):
                pass


async def test_a_turn_that_failed_is_over() -> None:
    turns = Turns()
    with pytest.raises(ZeroDivisionError):
        async with turns.of(ORDER):
            raise ZeroDivisionError

    async with turns.of(ORDER):
        pass
    assert len(turns._locks) == 0
