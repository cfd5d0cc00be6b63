"""A worker takes as many requests as it answers in time; each tenant has a share of them."""

import logging
from contextlib import suppress

import pytest

from application.runtime import admission
from application.runtime.admission import (
    ALWAYS,
    BURST_SECONDS,
    FIRST_PACE,
    Admission,
    Overloaded,
    ShareTaken,
    Ticket,
)
from application.runtime.request_context import RequestContext, current, resting

QUEUE_SECONDS = 0.2


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def writes(clock: Clock) -> Admission:
    return Admission("Writes", queue_seconds=QUEUE_SECONDS, clock=clock)


def taken(admission: Admission, tenant: str, *, most: int = 100_000, size: int = 0) -> list[Ticket]:
    """Have a tenant whose credential is known send until it is refused, and return the tickets."""
    admission.know(tenant.encode(), tenant)
    tickets: list[Ticket] = []
    with suppress(Overloaded, ShareTaken):
        while len(tickets) < most:
            tickets.append(admission.ticket(tenant.encode(), size))
            tickets[-1].begin()
    return tickets


def overload(admission: Admission, clock: Clock, *, seconds: float, pace: float) -> list[Ticket]:
    """Send as much as is taken for a while, where so many requests a second are answered; return the rest."""
    waiting: list[Ticket] = []
    for _ in range(int(seconds / 0.01)):
        waiting += taken(admission, "flood", most=1_000)
        answered, waiting = waiting[: int(pace * 0.01)], waiting[int(pace * 0.01) :]
        for ticket in answered:
            ticket.leave()
        clock.now += 0.01
    return waiting


def test_a_burst_is_taken(writes: Admission) -> None:
    tickets = taken(writes, "one")

    assert len(tickets) == pytest.approx(FIRST_PACE * BURST_SECONDS / 2, rel=0.1)


@pytest.mark.parametrize("pace", [500, 2_000, 10_000])
def test_the_requests_that_wait_are_answered_within_the_time_that_is_set(
    writes: Admission, clock: Clock, pace: int
) -> None:
    waiting = overload(writes, clock, seconds=5, pace=pace)

    # One tenant alone may use half of it.
    assert len(waiting) / pace == pytest.approx(QUEUE_SECONDS / 2, rel=0.3)


def test_where_nothing_is_answered_few_requests_wait(writes: Admission, clock: Clock) -> None:
    tickets = taken(writes, "one", most=20)
    for _ in range(100):
        clock.now += 0.1
        tickets += taken(writes, "one", most=1)

    assert len(tickets) < 2 * ALWAYS


def test_a_burst_is_taken_again_once_nothing_was_refused_for_a_while(writes: Admission, clock: Clock) -> None:
    for ticket in overload(writes, clock, seconds=5, pace=FIRST_PACE):
        ticket.leave()
    at_once = len(taken(writes, "one", most=10_000))
    clock.now += 60
    writes.refusal(None, 0)

    assert at_once < FIRST_PACE * BURST_SECONDS / 4
    assert writes.most >= FIRST_PACE * BURST_SECONDS


def test_one_tenant_does_not_shut_out_others(writes: Admission, clock: Clock) -> None:
    overload(writes, clock, seconds=5, pace=1_000)

    others = [taken(writes, f"other {n}", most=1) for n in range(3)]

    assert all(others)


def test_who_floods_is_told_that_it_is_its_own_share(writes: Admission, clock: Clock) -> None:
    taken(writes, "flood")

    with pytest.raises(ShareTaken):
        writes.ticket(b"flood", 0)


def test_senders_without_a_known_credential_do_not_shut_out_others(writes: Admission) -> None:
    writes.know(b"known", "tenant")
    with suppress(Overloaded):
        for n in range(100_000):
            writes.ticket(b"unknown %d" % n, 0).begin()
    was_under_way = writes.under_way

    writes.ticket(b"known", 0).begin()

    assert was_under_way < 1_000


def test_the_bytes_that_wait_are_bounded(writes: Admission) -> None:
    tickets = taken(writes, "one", size=256 * 1024)

    assert len(tickets) * 256 * 1024 == admission.MAX_BYTES // 2


def test_requests_that_have_left_are_not_counted(writes: Admission) -> None:
    for ticket in taken(writes, "one"):
        ticket.begin()
        ticket.leave()
        ticket.leave()
        ticket.begin()

    assert writes.under_way == 0


def test_a_request_whose_body_has_not_come_has_no_place(writes: Admission) -> None:
    for _ in range(10_000):
        writes.ticket(b"slow", 0)

    assert writes.under_way == 0


def test_a_request_that_only_waits_leaves_its_place_to_others(writes: Admission) -> None:
    ticket = writes.ticket(b"one", 0)
    ticket.begin()
    request = RequestContext("r-1")
    request.ticket = ticket
    token = current.set(request)

    with resting():
        while_resting = writes.under_way
    current.reset(token)

    assert (while_resting, writes.under_way) == (0, 1)


def test_refusals_are_told_twice_a_minute_at_most(
    writes: Admission, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        overload(writes, clock, seconds=29, pace=1_000)
        once = len(caplog.records)
        overload(writes, clock, seconds=2, pace=1_000)

    assert once == 1
    assert len(caplog.records) == 2
    assert "Writes are refused" in caplog.text
