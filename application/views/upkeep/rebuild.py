"""Rebuilding: views are derived anew beside the live ones, and then replace them or are compared with them."""

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
"""Takes the position reached so far, and the last position."""


class RowDifference(NamedTuple):
    """A row of a view as it is live and as it is rebuilt, by column; None on the side that has no row with its key."""

    view: str
    live: Mapping[str, Any] | None
    rebuilt: Mapping[str, Any] | None


class Compared(NamedTuple):
    """Live views beside rebuilt ones: how far they have read the ledger, and a function that yields a view's
    differences.

    Views whose checkpoint is beyond the ledger are compared up to the ledger's head, and are listed in ahead.
    """

    positions: Mapping[str, int]
    differences: Callable[[str], AsyncIterator[RowDifference]]
    ahead: Sequence[ViewAhead]


class SideViews(Protocol):
    """Some views of one tenant beside the live ones, empty at first. Nobody else sees them, and they are dropped at the
    end.

    Projecting into them inside one of their transactions is a part of that transaction.
    """

    def upto(self, position: int) -> ViewStore:
        """Return the store that projects into them from a ledger that seems to end at this position."""

    async def checkpoints(self) -> Sequence[ViewCheckpoint]: ...

    async def live_positions(self) -> Mapping[str, int]:
        """Return how far the live views have read the ledger."""

    async def ahead(self) -> Sequence[ViewAhead]:
        """Return the live views whose checkpoint is beyond the ledger's head, or was once."""

    def taking_over(self) -> AbstractAsyncContextManager[None]:
        """Open the transaction in which the live views are replaced. Projectors cannot move the live views during it.

        Readers see the old rows until it ends, and then the new ones.
        """

    async def take_over(self) -> None:
        """Make the live views and their checkpoints equal to these."""

    def still(self) -> AbstractAsyncContextManager[Mapping[str, int]]:
        """Open a transaction that sees the live views as they are at its beginning. Projectors go on meanwhile."""

    def differences(self, view: str) -> AsyncIterator[RowDifference]:
        """Yield the rows in which the live view and the rebuilt one differ, in the order of their keys."""


class SideViewStore(Protocol):
    """The place where views are rebuilt."""

    def beside(self, tenant: TenantName, views: Sequence[str]) -> AbstractAsyncContextManager[SideViews]:
        """Open views beside the live ones. Raises Unavailable."""


class Rebuilding:
    """Derives views anew from the ledger while the live ones are still read and kept up to date."""

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
        """Derive views of a tenant anew, and replace the live ones by them, all at once.

        Raises TenantNotFound. Raises ViewStopped if one of the views cannot be derived; all live views then stay as
        they are.
        """
        reached = 0
        async with self._beside.beside(tenant, names) as views:
            # At most one batch is left for the last part, during which projectors wait.
            while (head := await self._store.head(tenant)) - reached > BATCH:
                await self._project(views, tenant, dict.fromkeys(names, head), show)
                reached = head
            async with views.taking_over():
                # No live view can be further. A checkpoint beyond the head is brought back to it.
                head = await self._store.head(tenant)
                await self._project(views, tenant, dict.fromkeys(names, head), show)
                await views.take_over()

    @asynccontextmanager
    async def compared(self, tenant: TenantName, names: Sequence[str], show: Show) -> AsyncIterator[Compared]:
        """Derive views anew as far as the live ones have read the ledger, and yield the two side by side.

        The live ones are seen at one moment, while they go on. Raises ViewStopped if a view cannot be derived that far.
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
