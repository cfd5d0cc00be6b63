"""A read that waits for the views rings for its tenant until they are there; a single write needs no ring."""

from typing import Any

import pytest

from application.views.queries import Edition, Queries, ViewProgress
from domain.values import TenantName
from tests.builders import ACME


class GrowingViews:
    """Views that get an event further each time somebody looks."""

    def __init__(self, *, reached: int, head: int, is_stopped: bool = False) -> None:
        self._reached, self._head, self._is_stopped = reached - 1, head, is_stopped

    async def progress(self, *_asked: Any) -> ViewProgress:
        self._reached += 1
        return ViewProgress(self._head, self._reached, self._is_stopped, Edition(0, 0))


@pytest.mark.parametrize(
    ("views", "rings"),
    [
        (GrowingViews(reached=3, head=3), 0),
        (GrowingViews(reached=2, head=3), 0),
        (GrowingViews(reached=1, head=3), 1),
        (GrowingViews(reached=1, head=3, is_stopped=True), 0),
    ],
    ids=["fresh", "soon fresh", "behind", "stopped"],
)
async def test_a_read_that_waits_rings(views: Any, rings: int) -> None:
    rung: list[TenantName] = []

    await Queries(views, wait_seconds=60, ring=rung.append).fresh(ACME, "timeline")

    assert rung == [ACME] * rings
