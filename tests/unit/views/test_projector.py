"""The projector: every event reaches every view exactly once, and what is wrong with one view stays with that view."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.ledger.port import RecordedEvent
from application.views.projections.catalogue import PROJECTIONS
from application.views.projections.entries import Entry
from application.views.projections.projection import Projection, Row
from application.views.upkeep.projector import Projector, progress
from domain.errors import Unavailable
from domain.values import TenantName
from tests.builders import ACME, a_created_event, a_foreign_event, a_ledger, a_service_event, an_event, an_exception
from tests.fakes import FakeViewStore


class BuggyError(Exception):
    """A projection has a bug."""


def copying(name: str, *, bug_at: int | None = None) -> Projection:
    """Return a projection that has a row for every event, and a bug that shows at one position."""

    def rows(entries: Sequence[Entry], _present: Mapping[str, Any]) -> list[Row]:
        if bug_at in [entry.position for entry in entries]:
            raise BuggyError(f"at {bug_at}")
        return [(name, entry.position) for entry in entries]

    return Projection(name, rows)


def ledger(size: int) -> list[RecordedEvent]:
    return a_ledger(*(an_event() for _ in range(size)))


def projector(views: FakeViewStore, *projections: Projection, batch: int = 100) -> Projector:
    return Projector(views, projections, batch=batch)


def reached(views: FakeViewStore) -> dict[str, int]:
    return {name: checkpoint.position for name, checkpoint in views.checkpoints.items()}


def errors(views: FakeViewStore) -> dict[str, str]:
    return {name: checkpoint.error for name, checkpoint in views.checkpoints.items() if checkpoint.error is not None}


async def test_every_event_reaches_every_view_once() -> None:
    views = FakeViewStore(*ledger(5), a=0, b=0)

    read = await projector(views, copying("a"), copying("b")).catch_up(ACME)

    assert read == 5
    assert views.positions_in("a") == views.positions_in("b") == [1, 2, 3, 4, 5]
    assert reached(views) == {"a": 5, "b": 5}


async def test_one_batch_is_read_once_for_all_views() -> None:
    views = FakeViewStore(*ledger(5), a=0, b=0, c=0)

    await projector(views, copying("a"), copying("b"), copying("c")).project(ACME)

    assert views.reads == [(0, 5)]


async def test_a_batch_is_bounded() -> None:
    views = FakeViewStore(*ledger(5), a=0)
    two_at_a_time = projector(views, copying("a"), batch=2)

    assert [await two_at_a_time.project(ACME) for _ in range(4)] == [2, 2, 1, 0]
    assert views.positions_in("a") == [1, 2, 3, 4, 5]


async def test_a_view_that_is_behind_joins_the_others_where_they_are() -> None:
    views = FakeViewStore(*ledger(6), a=0, b=4, c=6)

    await projector(views, copying("a"), copying("b"), copying("c")).project(ACME)

    assert reached(views) == {"a": 4, "b": 6, "c": 6}
    assert views.positions_in("a") == [1, 2, 3, 4]
    assert views.positions_in("b") == [5, 6]
    assert views.positions_in("c") == []


async def test_no_view_waits_for_one_that_is_far_behind() -> None:
    views = FakeViewStore(*ledger(1_000), rebuilt=0, current=990)

    await projector(views, copying("rebuilt"), copying("current"), batch=10).project(ACME)

    assert reached(views) == {"rebuilt": 10, "current": 1_000}


@given(
    size=st.integers(0, 12),
    starts=st.lists(st.integers(0, 12), min_size=1, max_size=4),
    batch=st.integers(1, 5),
)
async def test_wherever_views_start_nothing_is_skipped_and_nothing_done_twice(
    size: int, starts: list[int], batch: int
) -> None:
    positions = {f"view{n}": min(start, size) for n, start in enumerate(starts)}
    views = FakeViewStore(*ledger(size), **positions)

    await projector(views, *map(copying, positions), batch=batch).catch_up(ACME)

    for name, start in positions.items():
        assert views.positions_in(name) == list(range(start + 1, size + 1))
        assert reached(views)[name] == size


@pytest.mark.parametrize("bug_at", range(1, 10))
async def test_a_view_stops_just_before_the_event_it_fails_at_while_the_others_go_on(bug_at: int) -> None:
    views = FakeViewStore(*ledger(9), good=0, buggy=0)

    await projector(views, copying("good"), copying("buggy", bug_at=bug_at)).catch_up(ACME)

    assert reached(views) == {"good": 9, "buggy": bug_at - 1}
    assert errors(views) == {"buggy": f"BuggyError: at {bug_at}"}
    assert views.positions_in("good") == list(range(1, 10))
    assert views.positions_in("buggy") == list(range(1, bug_at))


async def test_a_mended_view_goes_on_where_it_stopped() -> None:
    views = FakeViewStore(*ledger(9), a=0)
    await projector(views, copying("a", bug_at=4)).catch_up(ACME)

    views.resume()
    await projector(views, copying("a")).catch_up(ACME)

    assert views.positions_in("a") == list(range(1, 10))
    assert errors(views) == {}


async def test_a_view_that_has_stopped_is_left_alone() -> None:
    views = FakeViewStore(*ledger(9), a=0)
    buggy = projector(views, copying("a", bug_at=4))
    await buggy.catch_up(ACME)
    reads = list(views.reads)

    assert await buggy.project(ACME) == 0
    assert views.reads == reads
    assert await buggy.behind() == []


async def test_a_view_that_stops_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    views = FakeViewStore(*ledger(1), a=0)

    with caplog.at_level(logging.ERROR):
        await projector(views, copying("a", bug_at=1)).catch_up(ACME)

    assert "Projection a of tenant acme stopped: at 1" in caplog.text


async def test_an_unknown_event_of_ours_stops_every_view_before_it_and_a_foreign_one_none() -> None:
    known, last = a_ledger(a_created_event(), a_service_event())
    unknown = a_foreign_event("order.invented_later", stream="order-1001", position=3)
    events = [known, a_foreign_event(position=2), unknown, last._replace(position=4)]
    views = FakeViewStore(*events, **dict.fromkeys((p.name for p in PROJECTIONS), 0))

    await projector(views, *PROJECTIONS).catch_up(ACME)

    assert set(reached(views).values()) == {2}
    assert set(errors(views).values()) == {
        "InvalidEvent: Event 3 has type 'order.invented_later', which this version does not know"
    }


async def test_a_view_that_cannot_be_written_stops_alone() -> None:
    views = FakeViewStore(*ledger(3), a=0, b=0, c=0)
    views.broken["b"] = ValueError("disk of b is full")

    await projector(views, copying("a"), copying("b"), copying("c")).catch_up(ACME)

    assert reached(views) == {"a": 3, "b": 0, "c": 3}
    assert errors(views) == {"b": "ValueError: disk of b is full"}
    assert views.positions_in("a") == views.positions_in("c") == [1, 2, 3]


async def test_a_lost_database_stops_no_view_and_is_told_to_the_caller() -> None:
    views = FakeViewStore(*ledger(3), a=0, b=0)
    views.broken["b"] = Unavailable()

    with pytest.raises(Unavailable):
        await projector(views, copying("a"), copying("b")).project(ACME)

    assert reached(views) == {"a": 0, "b": 0}
    assert errors(views) == {}
    assert views.rows == {}


async def test_a_view_that_another_projector_holds_is_left_to_it() -> None:
    views = FakeViewStore(*ledger(3), a=0, b=0)
    views.held_elsewhere = {"b"}

    await projector(views, copying("a"), copying("b")).catch_up(ACME)

    assert reached(views) == {"a": 3, "b": 0}

    views.held_elsewhere = set()
    await projector(views, copying("a"), copying("b")).catch_up(ACME)

    assert reached(views) == {"a": 3, "b": 3}


async def test_a_failure_is_not_pinned_on_a_view_that_another_projector_has_taken_over() -> None:
    views = FakeViewStore(*ledger(3), a=0)

    def taken_over(_entries: Sequence[Entry]) -> Sequence[str]:
        views.held_elsewhere = {"a"}
        raise BuggyError

    await Projector(views, [Projection("a", copying("a").rows, needs=taken_over)]).project(ACME)

    assert errors(views) == {}


async def test_the_order_state_is_the_same_whatever_the_size_of_a_batch() -> None:
    events = a_ledger(a_created_event(), a_service_event("pending"), an_exception(), an_event(), a_service_event())
    by_size = []

    for batch in (1, 2, 5):
        views = FakeViewStore(*events, **dict.fromkeys((p.name for p in PROJECTIONS), 0))
        await projector(views, *PROJECTIONS, batch=batch).catch_up(ACME)
        by_size.append(views.rows)

    assert by_size[0] == by_size[1] == by_size[2]
    assert by_size[0]["order_state"]["1001"][4] == "success"


async def test_a_tenant_whose_ledger_is_empty_has_nothing_to_project() -> None:
    views = FakeViewStore(a=0)

    assert await projector(views, copying("a")).catch_up(ACME) == 0
    assert await projector(views, copying("a")).behind() == []


async def test_a_tenant_without_checkpoints_has_nothing_to_project() -> None:
    views = FakeViewStore(*ledger(3))

    assert await projector(views, copying("a")).catch_up(TenantName("unknown")) == 0


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9])
def test_progress_finds_the_entry_that_a_projection_fails_at(size: int) -> None:
    entries = [Entry(recorded) for recorded in ledger(size)]

    for bug_at in range(1, size + 1):
        taken, rows, error = progress(copying("a", bug_at=bug_at), entries, {})

        assert taken == bug_at - 1
        assert [row[1] for row in rows] == list(range(1, bug_at))
        assert isinstance(error, BuggyError)


def test_progress_takes_all_entries_if_nothing_fails() -> None:
    entries = [Entry(recorded) for recorded in ledger(3)]

    assert progress(copying("a"), entries, {}) == (3, [("a", 1), ("a", 2), ("a", 3)], None)


async def test_a_view_that_is_ahead_of_its_ledger_is_stopped_until_it_is_rebuilt_and_the_others_go_on() -> None:
    views = FakeViewStore(*ledger(3), a=5, b=0)

    await projector(views, copying("a"), copying("b")).catch_up(ACME)

    said = "it is noted to have read 5 events, the ledger has 3; run ordertrail rebuild a --tenant acme"
    assert errors(views) == {"a": said}
    assert reached(views) == {"a": 5, "b": 3}
    assert views.until_rebuilt == {"a"}


async def test_a_view_that_was_ahead_skips_nothing_once_its_ledger_has_passed_it() -> None:
    views = FakeViewStore(*ledger(3), a=5)
    await projector(views, copying("a")).catch_up(ACME)
    views.ledgers[ACME] = ledger(9)
    views.resume()

    assert await projector(views, copying("a")).catch_up(ACME) == 0
    assert views.positions_in("a") == []


async def test_a_view_that_is_where_its_ledger_ends_is_not_ahead_of_it() -> None:
    views = FakeViewStore(*ledger(3), a=3)

    await projector(views, copying("a")).catch_up(ACME)

    assert errors(views) == {}
