"""Gathering: who asks while others are being answered shares the next answer, and nobody gets one from before."""

import asyncio
from collections.abc import Sequence

import pytest

from application.runtime.gathering import MAX_TOGETHER, Gathering
from domain.errors import Unavailable


class Answers:
    """Answers with the square of a number, once it may."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, list[int]]] = []
        self.may_answer = asyncio.Event()

    async def __call__(self, group: str, numbers: Sequence[int]) -> list[int]:
        self.asked.append((group, list(numbers)))
        await self.may_answer.wait()
        return [100 // n * n * n // (100 // n) for n in numbers]


async def start(gathering: Gathering[str, int, int], *numbers: int, group: str = "a") -> list[asyncio.Task[int]]:
    """Ask, and wait until whoever can be asked is."""
    tasks = [asyncio.create_task(gathering.ask(group, n)) for n in numbers]
    for _ in range(5):
        await asyncio.sleep(0)
    return tasks


async def test_questions_that_come_at_the_same_time_are_answered_together() -> None:
    answers = Answers()
    answers.may_answer.set()

    tasks = await start(Gathering(answers), 1, 2, 3)

    assert await asyncio.gather(*tasks) == [1, 4, 9]
    assert answers.asked == [("a", [1, 2, 3])]


async def test_what_is_asked_while_others_are_answered_shares_the_next_answer() -> None:
    answers = Answers()
    gathering = Gathering(answers)
    tasks = await start(gathering, 1)
    tasks += await start(gathering, 2)
    tasks += await start(gathering, 3)

    answers.may_answer.set()

    assert await asyncio.gather(*tasks) == [1, 4, 9]
    assert answers.asked == [("a", [1]), ("a", [2, 3])]


async def test_groups_do_not_wait_for_each_other() -> None:
    answers = Answers()
    gathering = Gathering(answers)

    tasks = [*await start(gathering, 1, group="a"), *await start(gathering, 2, group="b")]

    assert answers.asked == [("a", [1]), ("b", [2])]
    answers.may_answer.set()
    await asyncio.gather(*tasks)


async def test_no_answer_is_about_more_than_so_many_questions() -> None:
    answers = Answers()
    answers.may_answer.set()

    await asyncio.gather(*await start(Gathering(answers), *([1] * (MAX_TOGETHER + 1))))

    assert [len(numbers) for _, numbers in answers.asked] == [MAX_TOGETHER, 1]


async def test_whoever_gives_up_does_not_disturb_the_others() -> None:
    answers = Answers()
    gathering = Gathering(answers)
    [first, second] = await start(gathering, 1, 2)
    [third, fourth] = await start(gathering, 3, 4)

    first.cancel()
    third.cancel()
    await asyncio.sleep(0)
    answers.may_answer.set()

    assert await asyncio.gather(second, fourth) == [4, 16]
    assert answers.asked == [("a", [1, 2]), ("a", [4])]


async def test_an_error_is_raised_to_those_who_asked_together_and_to_nobody_later() -> None:
    answers = Answers()
    answers.may_answer.set()
    gathering = Gathering(answers)

    for task in await start(gathering, 0, 1):
        with pytest.raises(ZeroDivisionError):
            await task

    assert await gathering.ask("a", 2) == 4


async def test_whoever_asked_is_told_if_answering_is_broken_off_and_later_questions_are_answered() -> None:
    answers = Answers()
    gathering = Gathering(answers)
    tasks = await start(gathering, 1)
    [answering] = asyncio.all_tasks() - {asyncio.current_task(), *tasks}
    tasks += await start(gathering, 2)

    answering.cancel()

    for task in tasks:
        with pytest.raises(Unavailable, match="broken off"):
            await task
    answers.may_answer.set()
    assert await gathering.ask("a", 3) == 9


async def test_an_answer_too_few_is_an_error_to_whoever_asked() -> None:
    async def answer(group: str, numbers: Sequence[int]) -> list[int]:
        return list(numbers[1:])

    gathering = Gathering(answer)

    with pytest.raises(ValueError, match="shorter"):
        await gathering.ask("a", 3)
