"""The checker of histories accepts what one stream can have done, and nothing else."""

import random
from math import inf

import pytest

from tests.faults.linearizability import Operation, is_linearizable


def done(called: float, answered: float, expected: int) -> Operation:
    return Operation(called, answered, expected, "done", expected + 1)


def refused(called: float, answered: float, expected: int) -> Operation:
    return Operation(called, answered, expected, "refused")


def unknown(called: float, expected: int) -> Operation:
    return Operation(called, inf, expected, "unknown")


def seen(called: float, answered: float, version: int) -> Operation:
    return Operation(called, answered, None, "done", version)


@pytest.mark.parametrize(
    "history",
    [
        [],
        [done(0, 1, 0), done(2, 3, 1)],
        [done(0, 3, 1), done(1, 2, 0)],
        [done(0, 5, 0), refused(1, 2, 0)],
        [done(0, 5, 0), seen(1, 2, 0), seen(3, 4, 1)],
        [unknown(0, 0), seen(5, 6, 0), seen(7, 8, 1)],
        [unknown(0, 0), seen(5, 6, 0), done(7, 8, 0)],
        [unknown(0, 0), unknown(0, 1), seen(5, 6, 2)],
    ],
    ids=["nothing", "in turn", "overlapping", "lost", "read", "done late", "never done", "two unknown"],
)
def test_what_one_stream_can_have_done_is_accepted(history: list[Operation]) -> None:
    assert is_linearizable(history)


@pytest.mark.parametrize(
    "history",
    [
        [done(0, 1, 0), done(2, 3, 0)],
        [done(0, 3, 0), done(1, 2, 0)],
        [refused(0, 1, 0)],
        [done(0, 1, 0), seen(2, 3, 0)],
        [done(0, 5, 0), seen(1, 2, 1), seen(3, 4, 0)],
        [seen(0, 1, 1), unknown(2, 0)],
        [unknown(0, 0), seen(1, 2, 2)],
        [unknown(0, 0), seen(5, 6, 1), seen(7, 8, 0)],
    ],
    ids=["twice", "both", "for nothing", "stale", "back", "early", "more than said", "undone"],
)
def test_what_no_stream_can_have_done_is_refused(history: list[Operation]) -> None:
    assert not is_linearizable(history)


@pytest.mark.parametrize("seed", range(8))
def test_a_history_of_many_clients_is_accepted_and_refused_once_an_answer_is_wrong(seed: int) -> None:
    chance = random.Random(seed)
    version = 0
    history: list[Operation] = []
    for moment in range(100):
        # Each takes place at its moment; calls and answers around it overlap with others.
        called, answered = moment - chance.random() * 4, moment + chance.random() * 4
        expected = max(version - chance.choice([0, 0, 1]), 0)
        match chance.choice(["append", "append", "read", "unknown"]):
            case "read":
                history.append(seen(called, answered, version))
            case "unknown":
                history.append(unknown(called, expected))
                version += expected == version and chance.random() < 0.5
            case _ if expected == version:
                history.append(done(called, answered, expected))
                version += 1
            case _:
                history.append(refused(called, answered, expected))
    wrong = [*history, seen(300, 301, version + 100)]

    assert is_linearizable(history)
    assert not is_linearizable(wrong)
