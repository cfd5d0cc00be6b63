"""How partitions are read on, shared, and how long deliveries wait."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from application.delivery.lanes import LaneCursor, LaneSeen, in_groups, read_on
from application.delivery.shares import Share, share_of
from application.delivery.webhooks.backoff import Backoff, retry_after

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def a_cursor(partition: int = 3, position: int = 0, **changed: int | None) -> LaneCursor:
    return LaneCursor(partition, 1, position, None, position, position, None)._replace(**changed)  # type: ignore[arg-type]


def test_a_partition_without_wanted_events_comes_as_far_as_it_was_looked_through() -> None:
    read = read_on([a_cursor()], [], reached=50, limit=10)

    assert read.moved == [a_cursor(position=50, read_to=50, read_last=50)]


def test_what_is_held_is_passed_over_and_still_told_as_the_previous_one() -> None:
    seen = [LaneSeen(1, 3, is_held=False), LaneSeen(2, 3, is_held=True), LaneSeen(4, 3, is_held=False)]

    read = read_on([a_cursor()], seen, reached=9, limit=10)

    assert [(c.position, c.previous) for c in read.chosen] == [(1, None), (4, 2)]
    assert read.moved == [a_cursor(read_to=9, read_last=4, read_previous=4)]


def test_every_partition_gets_its_turn() -> None:
    seen = [LaneSeen(n, 3, is_held=False) for n in range(1, 9)] + [LaneSeen(9, 4, is_held=False)]

    read = read_on([a_cursor(3), a_cursor(4)], seen, reached=20, limit=4)

    assert [c.position for c in read.chosen] == [1, 2, 3, 9]
    assert [(m.partition, m.read_to, m.read_last) for m in read.moved] == [(3, 3, 3), (4, 20, 9)]
    assert read.has_more


def test_a_partition_goes_on_from_where_it_was_looked_through_once_the_last_is_acknowledged() -> None:
    cursor = a_cursor(read_to=9, read_last=4, read_previous=5)

    assert cursor.acknowledged(3).position == 3
    assert cursor.acknowledged(4)[2:4] == (9, 5)
    assert cursor.acknowledged(0) == cursor


def test_partitions_that_are_far_apart_are_read_apart() -> None:
    cursors = [a_cursor(0, 100), a_cursor(1, 0), a_cursor(2, 9), a_cursor(3, 105)]

    assert [[c.partition for c in group] for group in in_groups(cursors, look=10)] == [[1, 2], [0, 3]]


@pytest.mark.parametrize(
    ("member", "members", "owned", "expected"),
    [
        ("a", "a", {}, Share(take=tuple(range(16)))),
        ("a", "ab", {"a": range(16)}, Share(release=tuple(range(8, 16)))),
        ("b", "ab", {"a": range(16)}, Share()),
        ("b", "ab", {"dead": range(16)}, Share(take=tuple(range(8)))),
        ("c", "abc", {"a": range(6), "b": range(6, 11)}, Share(take=tuple(range(11, 16)))),
        ("z", "abcdefghijklmnopqz", {"a": range(16)}, Share()),
    ],
)
def test_members_come_to_fair_shares(member: str, members: str, owned: dict[str, range], expected: Share) -> None:
    owners = {p: next((owner for owner, own in owned.items() if p in own), None) for p in range(16)}

    assert share_of(member, list(members), owners) == expected


def test_waits_double_up_to_the_longest_and_vary() -> None:
    backoff = Backoff(timedelta(seconds=5), timedelta(hours=1))
    waits = [backoff.after(failures, Random(1)) for failures in range(1, 60)]

    assert timedelta(seconds=5) <= waits[0] <= timedelta(seconds=6)
    assert all(timedelta(hours=1) <= wait <= timedelta(hours=1.2) for wait in waits[10:])


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, 0),
        ("120", 120),
        ("Sun, 01 Mar 2026 12:01:00 GMT", 60),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0),
        ("soon", 0),
        ("-5", 0),
        ("9" * 400, 86_400),
        ("9" * 9_000, 86_400),
        ("0" * 9_000 + "5", 5),
    ],
)
def test_retry_after_is_seconds_or_a_time(header: str | None, expected: int) -> None:
    assert retry_after(header, NOON) == timedelta(seconds=expected)
