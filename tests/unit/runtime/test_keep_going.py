"""Work that goes on whatever happens in it, and what the log tells of it."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from application.runtime import loops as module
from application.runtime import outage_log
from application.runtime.loops import keep_going
from application.runtime.outage_log import OutageLog
from domain.errors import Unavailable


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SHORTEST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(module, "LONGEST_PAUSE_SECONDS", 0.002)


class Work:
    """Does nothing but raise these, and then nothing at all."""

    def __init__(self, *errors: BaseException) -> None:
        self._errors = list(errors)
        self.done = 0

    async def __call__(self) -> None:
        if self._errors:
            raise self._errors.pop(0)
        self.done += 1


async def going(work: Callable[[], object], until: Callable[[], bool]) -> asyncio.Task[None]:
    """Return the task that keeps this going, once something is so."""
    task = asyncio.create_task(keep_going("work", work))  # type: ignore[arg-type]
    async with asyncio.timeout(10):
        while not until():  # noqa: ASYNC110 another task's turn
            await asyncio.sleep(0.001)
    return task


@pytest.mark.parametrize(
    "error",
    [
        ZeroDivisionError(),
        Unavailable(),
        MemoryError(),
        RecursionError(),
        TimeoutError(),
        asyncio.CancelledError(),
        ExceptionGroup("", [ValueError()]),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_whatever_was_raised_the_work_is_tried_again(error: BaseException) -> None:
    work = Work(error, error, error)

    task = await going(work, lambda: work.done > 2)

    assert not task.done()
    task.cancel()
    await asyncio.wait([task])


async def test_it_ends_when_it_is_cancelled() -> None:
    work = Work()
    task = await going(work, lambda: work.done > 0)

    task.cancel()
    await asyncio.wait([task])

    assert task.cancelled()


async def test_a_failure_that_lasts_is_told_once_and_when_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    many = [ZeroDivisionError("by nothing")] * 5
    work = Work(*many, Unavailable("no disk", said="PostgreSQL: 53100"), ZeroDivisionError("again"))

    task = await going(work, lambda: work.done > 1)
    task.cancel()

    told = [record.getMessage() for record in caplog.records]
    assert told[:3] == [
        "The work failed and tries again: by nothing",
        "The work failed and tries again: no disk (PostgreSQL: 53100)",
        "The work failed and tries again: again",
    ]
    assert told[3].startswith("The work works again after ")
    assert len(told) == 4
    assert [record.exc_info is not None for record in caplog.records] == [True, False, True, False]


async def test_an_outage_that_is_told_already_is_not_told_again(caplog: pytest.LogCaptureFixture) -> None:
    work = Work(*[Unavailable("away", is_told=True)] * 3)

    task = await going(work, lambda: work.done > 1)
    task.cancel()

    assert not caplog.records


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[float], None]]:
    """Sets the time on."""
    now = 0.0

    def on(seconds: float) -> None:
        nonlocal now
        now += seconds

    monkeypatch.setattr(outage_log.time, "monotonic", lambda: now)
    return on


@contextmanager
def told(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """Collect what is logged meanwhile."""
    lines: list[str] = []
    caplog.clear()
    yield lines
    lines += [record.getMessage() for record in caplog.records]


def test_a_long_outage_is_told_of_every_now_and_then(
    caplog: pytest.LogCaptureFixture, clock: Callable[[float], None]
) -> None:
    outage = OutageLog(logging.getLogger("test"), "It is away", "It is back")

    with told(caplog) as lines:
        for _ in range(300):
            outage.failed(Unavailable("refused; try again"))
            clock(0.5)
        outage.over()
        outage.over()

    assert lines == [
        "It is away: refused",
        "It is away, for 60 s now: refused",
        "It is away, for 120 s now: refused",
        "It is back after 150.0 s",
    ]


def test_reasons_that_alternate_or_differ_in_numbers_are_each_told_once(
    caplog: pytest.LogCaptureFixture, clock: Callable[[float], None]
) -> None:
    outage = OutageLog(logging.getLogger("test"), "It is away", "It is back")

    with told(caplog) as lines:
        for n in range(40):
            outage.failed(Unavailable((f"refused by process {n}", "starting up")[n % 2]))
            clock(0.5)

    assert lines == ["It is away: refused by process 0", "It is away: starting up"]


def test_what_the_database_said_is_told_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    outage = OutageLog(logging.getLogger("test"), "It is away", "It is back")

    with told(caplog) as lines:
        outage.failed(
            Unavailable("No disk; try again", said="PostgreSQL: 53100 could not extend file\n\tCheck free disk space.")
        )

    assert lines == ["It is away: No disk (PostgreSQL: 53100 could not extend file Check free disk space.)"]


@pytest.mark.parametrize(("took", "pause"), [(0.0, 0.5), (0.2, 0.3), (0.5, 0.05), (7.0, 0.05)])
async def test_work_begins_at_a_steady_pace_and_rests_a_little_at_least(
    took: float, pause: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, pauses = 100.0, list[float]()

    async def work() -> None:
        nonlocal now
        now += took

    async def rest(seconds: float) -> None:
        pauses.append(seconds)
        raise asyncio.CancelledError

    monkeypatch.setattr(module, "monotonic", lambda: now)
    monkeypatch.setattr(module.asyncio, "sleep", rest)

    with pytest.raises(asyncio.CancelledError):
        await keep_going("work", work, seconds=0.5)

    assert pauses == [pytest.approx(pause)]
