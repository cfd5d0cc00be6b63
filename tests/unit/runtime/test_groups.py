"""Many things are worked on a group at a time, several groups at once."""

import asyncio
from collections.abc import Sequence

import pytest

from application.runtime.groups import groups_of, work_on_groups


@pytest.mark.parametrize(("count", "sizes"), [(0, []), (1, [1]), (3, [3]), (4, [3, 1]), (7, [3, 3, 1])], ids=str)
def test_groups_are_as_large_as_asked_for_but_the_last(count: int, sizes: list[int]) -> None:
    groups = list(groups_of(range(count), 3))

    assert [len(group) for group in groups] == sizes
    assert [item for group in groups for item in group] == list(range(count))


async def test_each_group_is_worked_on_once_and_so_many_at_a_time() -> None:
    done: list[int] = []
    under_way = most = 0

    async def work(group: Sequence[int]) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        done.extend(group)
        under_way -= 1

    await work_on_groups(range(10), work, size=2, lanes=3)

    assert (sorted(done), most) == (list(range(10)), 3)


async def test_an_error_ends_its_lane_and_is_raised_when_the_others_have_ended() -> None:
    done: list[int] = []

    async def work(group: Sequence[int]) -> None:
        await asyncio.sleep(0)
        if 0 in group:
            raise ValueError("no good")
        done.extend(group)

    with pytest.raises(ValueError, match="no good"):
        await work_on_groups(range(10), work, size=2, lanes=2)

    assert sorted(done) == list(range(2, 10))
