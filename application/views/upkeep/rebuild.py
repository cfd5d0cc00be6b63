"""Rebuilding: views derived anew beside the live ones, to take their place or to be compared with them."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, NamedTuple, Protocol

from application.ledger.port import EventStore
from application.views.projections.projection import Projection
from application.views.upkeep.customers import Reveal
from application.views.upkeep.projector import BATCH, Projector, ViewAhead, ViewCheckpoint, ViewStore
from domain.errors import ViewStopped
from domain.values import TenantName

Show = Callable[[int, int], None]
"""Is told how far it is, and how far it goes."""


class RowDifference(NamedTuple):
    """A row of a view as it is live and as it is rebuilt, by column; None where there is none with its key."""

    view: str
    live: Mapping[str, Any] | None
    rebuilt: Mapping[str, Any] | None


class Compared(NamedTuple):
    """Live views beside rebuilt ones: how far they have read the ledger, and what yields the differences of each.

    Those that are noted to have read more than there is are compared as far as there is, and named in ahead.
    """

    positions: Mapping[str, int]
    differences: Callable[[str], AsyncIterator[RowDifference]]
    ahead: Sequence[ViewAhead]


class SideViews(Protocol):
    """Some views of one tenant beside the live ones, empty at first. Nobody else sees them, and nothing of them stays.

    What is projected into them within a transaction of theirs is part of it.
    """

    def upto(self, position: int) -> ViewStore:
        """Return where they are projected from a ledger that seems to end at this position."""

    async def checkpoints(self) -> Sequence[ViewCheckpoint]: ...

    async def live_positions(self) -> Mapping[str, int]:
        """Return how far the live views have read the ledger."""

    async def ahead(self) -> Sequence[ViewAhead]:
        """Return the live views that are noted to have read more events than there are, or were so once."""

    def taking_over(self) -> AbstractAsyncContextManager[None]:
        """Open the transaction in which the live views are replaced; projectors do not move them from where they are.

        Readers see the old rows until it ends, and the new ones from then on.
        """

    async def take_over(self) -> None:
        """Make the live views and their checkpoints what these are."""

    def still(self) -> AbstractAsyncContextManager[Mapping[str, int]]:
        """Open a transaction that sees the live views as they are at its beginning; projectors go on."""

    def differences(self, view: str) -> AsyncIterator[RowDifference]:
        """Yield the rows in which the live view and the rebuilt one differ, in the order of their keys."""


class SideViewStore(Protocol):
    """Where views are rebuilt."""

    def beside(self, tenant: TenantName, views: Sequence[str]) -> AbstractAsyncContextManager[SideViews]:
        """Open views beside the live ones. Raises Unavailable."""


class Rebuilding:
    """Derives views anew from the ledger while the live ones are read and brought up to date."""

    def __init__(
        self, store: EventStore, beside: SideViewStore, projections: Sequence[Projection], reveal: Reveal
    ) -> None:
        self._store = store
        self._beside = beside
        self._projections = projections
        self._reveal = reveal

    @property
    def names(self) -> list[str]:
        return [projection.name for projection in self._projections]

    async def rebuild(self, tenant: TenantName, names: Sequence[str], show: Show) -> None:
        """Replace views of a tenant by what they are when they are derived anew, at once and together.

        Raises TenantNotFound and, if one of them cannot be derived, ViewStopped; all are left as they were then.
        """
        reached = 0
        async with self._beside.beside(tenant, names) as views:
            # What is left for the end, while projectors wait, is a batch.
            while (head := await self._store.head(tenant)) - reached > BATCH:
                await self._project(views, tenant, dict.fromkeys(names, head), show)
                reached = head
            async with views.taking_over():
                # No live view can be further; one that is noted to be so is brought back.
                head = await self._store.head(tenant)
                await self._project(views, tenant, dict.fromkeys(names, head), show)
                await views.take_over()

    @asynccontextmanager
    async def compared(self, tenant: TenantName, names: Sequence[str], show: Show) -> AsyncIterator[Compared]:
        """Derive views anew as far as the live ones have read the ledger, and yield the two side by side.

        The live ones are seen as they are at one moment, and go on. Raises ViewStopped if one cannot be derived so far.
        """
        async with self._beside.beside(tenant, names) as views:
            await self._project(views, tenant, await views.live_positions(), show)
            async with views.still() as live:
                ahead = await views.ahead()
                positions = {**live, **{view: min(position, head) for view, position, head in ahead}}
                await self._project(views, tenant, positions, show)
                yield Compared(positions, views.differences, ahead)

    async def _project(self, views: SideViews, tenant: TenantName, positions: Mapping[str, int], show: Show) -> None:
        """Project each view up to its position."""
        for upto in sorted(set(positions.values())):
            group = [p for p in self._projections if positions.get(p.name, -1) >= upto]
            projector = Projector(views.upto(upto), group, reveal=self._reveal)
            is_done = False
            while not is_done:
                is_done = not await projector.project(tenant)
                checkpoints = await views.checkpoints()
                for view, position, error in checkpoints:
                    if error is not None:
                        raise ViewStopped(tenant, view, position, error)
                show(min(position for _, position, _ in checkpoints), max(positions.values()))
