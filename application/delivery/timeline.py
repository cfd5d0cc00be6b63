"""Follows the timeline of one order: its own events, and the exceptions of the integrations that it is tied to."""

import asyncio
from collections.abc import Sequence
from operator import attrgetter
from time import monotonic
from typing import NamedTuple

from application.delivery.filters import EventFilter
from application.delivery.follower import End, Follower
from application.ledger.codec import DAMAGE
from application.ledger.port import RecordedEvent
from application.runtime.strict_json import from_strict_json
from application.views.queries import Queries, TimelineEntry, TimelineFilter
from domain.events.catalogue import TIES
from domain.events.integration import IntegrationTied
from domain.values import Position, TenantName

PAGE = 100
LAG_SECONDS = 0.2
"""How long to wait before a view that lags is read again."""
_TIES = tuple(tie.topic for tie in TIES)


class TimelineBatch(NamedTuple):
    """The next entries of a timeline, and the position up to which there are no others."""

    entries: Sequence[TimelineEntry]
    next: Position


class TimelineFollower:
    """Reads the timeline's view on, whenever its follower gets an event that belongs to the timeline."""

    def __init__(
        self,
        queries: Queries,
        follower: Follower,
        tenant: TenantName,
        order_id: str,
        *,
        wanted: TimelineFilter,
        after: int,
        page: int = PAGE,
    ) -> None:
        self._queries = queries
        self._follower = follower
        self._tenant = tenant
        self._order_id = order_id
        self._wanted = wanted
        self._page = page
        self._position = Position(after)
        self._integrations: frozenset[int] | None = None
        self._has_news = True

    @property
    def position(self) -> Position:
        return self._position

    @property
    def ended(self) -> End | None:
        return self._follower.ended

    def end(self, why: End) -> None:
        self._follower.end(why)

    async def more(self, seconds: float) -> TimelineBatch:
        """Return the next entries. If there are none, wait for some: so long at most, or until the follower ends."""
        deadline = monotonic() + seconds
        while self.ended is None:
            if self._has_news and (batch := await self._read()).entries:
                return batch
            if monotonic() >= deadline:
                break
            if self._has_news:
                await asyncio.sleep(LAG_SECONDS)  # the view has not come that far
            else:
                await self._follow(deadline - monotonic())
        return TimelineBatch((), self._position)

    async def _follow(self, seconds: float) -> None:
        """Wait for an event that belongs to the timeline."""
        came = await self._follower.more(seconds)
        self._has_news = bool(came.events)
        if not came.events:
            self._position = max(self._position, came.next)
        elif ties := [shared.event for shared in came.events if shared.event.type in _TIES]:
            # The view is read up to the head after this, so nothing of what the integrations had meanwhile is missed.
            self._want(_with(self._integrations or frozenset(), ties))

    async def _read(self) -> TimelineBatch:
        """Read a page of the view, once it has reached the ledger's head, or a second has passed."""
        freshness = await self._queries.fresh(self._tenant, "timeline", order_id=self._order_id)
        if self._integrations is None and not freshness.lag:
            self._want(_with(frozenset(), await self._ties()))
        page = await self._queries.views.timeline(
            self._tenant, self._order_id, self._wanted, cursor=self._position, limit=self._page
        )
        self._has_news = page.has_more or freshness.lag > 0
        reached = 0 if page.has_more else freshness.position
        self._position = max(self._position, Position(reached), *(Position(e.event.position) for e in page[-1:]))
        return TimelineBatch(page, self._position)

    def _want(self, tied: frozenset[int]) -> None:
        """Follow these integrations too."""
        self._integrations = tied
        self._follower.want(EventFilter(orders=frozenset({self._order_id}), integrations=tied))

    async def _ties(self) -> list[RecordedEvent]:
        """Return the events that tied integrations to the order, and untied them, as far as the view has come."""
        ties: list[RecordedEvent] = []
        for type_ in _TIES:
            cursor: int | None = 0
            while cursor is not None:
                page = await self._queries.views.timeline(
                    self._tenant, self._order_id, TimelineFilter(type=type_), cursor=cursor, limit=PAGE
                )
                ties += [entry.event for entry in page]
                cursor = page[-1].event.position if page.has_more else None
        return sorted(ties, key=attrgetter("position"))


def _with(tied: frozenset[int], ties: Sequence[RecordedEvent]) -> frozenset[int]:
    """Return the integrations that are tied after these events."""
    now = set(tied)
    for event in ties:
        try:
            integration_id = int(from_strict_json(event.data)["integration_id"])
        except DAMAGE:
            continue
        if event.type == IntegrationTied.topic:
            now.add(integration_id)
        else:
            now.discard(integration_id)
    return frozenset(now)
