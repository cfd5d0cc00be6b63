"""Reads from a standby's views: they show what is wanted, or say that they cannot; nobody waits for long."""

from collections.abc import Sequence
from typing import Any

import pytest

from application.runtime.request_context import RequestContext, current
from application.views.queries import Edition, ViewProgress
from application.views.standby import READ_SECONDS, StandbyBehind, StandbyQueries, Standing, wanting
from domain.values import TenantName

ACME = TenantName("acme")


class FakeViews:
    """Views that are further whenever they are asked again; at last they stay as they are."""

    def __init__(self, *progress: ViewProgress) -> None:
        self._progress = list(progress)
        self.asked = 0

    async def progress(self, tenant: TenantName, views: Sequence[str], order_id: str | None) -> ViewProgress:
        self.asked += 1
        return self._progress.pop(0) if len(self._progress) > 1 else self._progress[0]


def at(head: int, reached: int, *, number: int = 0, is_stopped: bool = False) -> ViewProgress:
    return ViewProgress(head, reached, is_stopped, Edition(number, reached))


def queries(views: Any) -> StandbyQueries:
    return StandbyQueries(views, wait_seconds=0, ring=bool)


async def test_views_that_show_what_is_wanted_answer_at_once_whatever_they_lack_besides() -> None:
    views = FakeViews(at(head=9, reached=5))

    with wanting(Standing(5, 0)):
        freshness = await queries(views).fresh(ACME, "timeline")

    assert (freshness.position, freshness.lag, views.asked) == (5, 0, 1)


async def test_views_that_come_soon_are_waited_for() -> None:
    views = FakeViews(at(head=5, reached=3), at(head=5, reached=4), at(head=6, reached=5))

    with wanting(Standing(5, 0)):
        freshness = await queries(views).fresh(ACME, "timeline")

    assert (freshness.position, views.asked) == (5, 3)


@pytest.mark.parametrize(
    "behind",
    [
        at(head=4, reached=4),
        at(head=9, reached=9, number=2),
        at(head=9, reached=4, number=3, is_stopped=True),
    ],
    ids=["the ledger is behind", "an erasure is missing", "a view has stopped"],
)
async def test_what_does_not_come_soon_is_not_waited_for(behind: ViewProgress) -> None:
    views = FakeViews(behind)

    with wanting(Standing(5, 3)), pytest.raises(StandbyBehind):
        await queries(views).fresh(ACME, "timeline")

    assert views.asked == 1


async def test_views_that_stay_behind_are_given_up() -> None:
    with wanting(Standing(5, 0)), pytest.raises(StandbyBehind):
        await queries(FakeViews(at(head=5, reached=4))).fresh(ACME, "timeline")


def test_a_standby_takes_only_a_part_of_the_time_of_a_request() -> None:
    request = RequestContext(lambda: "r", seconds=READ_SECONDS + 10)
    token = current.set(request)
    try:
        with wanting(Standing(1, 0)):
            assert request.seconds_left == READ_SECONDS
            request.seconds_left -= READ_SECONDS
        assert request.seconds_left == 10
    finally:
        current.reset(token)
