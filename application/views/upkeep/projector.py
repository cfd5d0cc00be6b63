"""The projector: reads a tenant's ledger in batches and brings the views up to date, each event exactly once."""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from itertools import zip_longest
from time import monotonic
from typing import Any, NamedTuple, Protocol

from application.ledger.activity import RECENT, WholeLooks
from application.ledger.port import RecordedEvent
from application.runtime.groups import work_on_groups
from application.runtime.measures import EVENTS_PROJECTED, PROJECT_SECONDS
from application.views.projections.entries import Entry
from application.views.projections.projection import Projection, Row
from application.views.upkeep.customers import Reveal, reveal_nothing
from application.views.upkeep.joint_projecting import GROUP, JointViews, project_together
from application.views.upkeep.read_ahead import ReadAhead
from domain.errors import Busy, Unavailable
from domain.values import Position, TenantName

_log = logging.getLogger(__name__)

BATCH = 2_000
LANES = 2
"""How many groups of tenants are projected at a time."""


class ViewCheckpoint(NamedTuple):
    """How far a projection has read its tenant's ledger, and the error if it stopped there.

    A stopped projection is tried again after a while; its error is None then.
    """

    projection: str
    position: int
    error: str | None


class ViewAhead(NamedTuple):
    """A view whose checkpoint is beyond its ledger's head, or was once, and which was not rebuilt since."""

    view: str
    position: int
    head: int

    def __str__(self) -> str:
        """Say what is wrong with it."""
        if self.position > self.head:
            return f"view {self.view} is noted to have read {self.position} events, the ledger has {self.head}"
        was = f"view {self.view} was noted to have read more events than there were"
        return f"{was}, and is at {self.position} of {self.head}"


class ViewBatch(Protocol):
    """One transaction on a tenant's views. Rows and checkpoints change together, or nothing changes."""

    checkpoints: Sequence[ViewCheckpoint]
    """The checkpoints that this transaction holds. Those that another projector holds are not among them."""
    head: Position
    """The ledger's head: no checkpoint may be beyond it."""

    async def present(self, view: str, ids: Sequence[str]) -> Mapping[str, Any]:
        """Return the view's rows with these ids, as far as they exist."""

    async def save(self, view: str, rows: Sequence[Row]) -> None:
        """Add rows, or replace them if the view has one row per id."""

    async def advance(self, projections: Sequence[str], position: int) -> None:
        """Move checkpoints forward to one position, and clear their errors."""

    async def stop(self, projection: str, error: str, *, until_rebuilt: bool = False) -> None:
        """Keep a checkpoint where it is, with the error that stopped it.

        It is tried again after a while or, with until_rebuilt, once the view was rebuilt.
        """


class ViewStore(Protocol):
    """Holds the views, their checkpoints, and the ledger from which they are made."""

    async def events(self, tenant: TenantName, *, after: int, limit: int) -> list[RecordedEvent]:
        """Return the next events of a ledger: all after this position, or as many as one batch may have."""

    def batch(self, tenant: TenantName, projections: Sequence[str]) -> AbstractAsyncContextManager[ViewBatch]:
        """Open a transaction that holds the checkpoints of these projections, except those that another projector
        holds.
        """

    async def behind(self, projections: Sequence[str], *, within: timedelta | None = None) -> list[TenantName]:
        """Return the tenants with one of these checkpoints behind their ledger, or ahead of it, which is an error.

        With within, only tenants are looked at whose ledgers were written to within this time before now. Missing
        checkpoints are created.
        """


class ProjectionProgress(NamedTuple):
    """The result of a projection on some entries: the rows of the first taken entries, and the error that came after
    them.
    """

    taken: int
    rows: Sequence[Row]
    error: Exception | None


def progress(projection: Projection, entries: Sequence[Entry], present: Mapping[str, Any]) -> ProjectionProgress:
    """Run a projection over the entries. If it fails at an entry, run it over exactly those before."""
    best = ProjectionProgress(0, (), None)
    size, too_many = len(entries), len(entries) + 1
    while best.taken < size:
        try:
            best = ProjectionProgress(size, projection.rows(entries[:size], present), best.error)
        except Exception as error:
            # A bug in a projection stops that projection only. Halving finds the entry that causes the error.
            best = best._replace(error=error)
            too_many = size
        size = (best.taken + too_many) // 2
    return best


class Projector:
    """Brings views up to date. Several may run at once, in several processes: they share the checkpoints."""

    def __init__(
        self,
        views: ViewStore,
        projections: Iterable[Projection],
        *,
        together: JointViews | None = None,
        reveal: Reveal = reveal_nothing,
        batch: int = BATCH,
    ) -> None:
        self._views = views
        self._together = together
        self._reveal = reveal
        self._looks = WholeLooks()
        self._projections = {projection.name: projection for projection in projections}
        self._limit = batch
        self._ahead = ReadAhead(views, reveal)

    @property
    def names(self) -> list[str]:
        return list(self._projections)

    async def behind(self) -> list[TenantName]:
        """Return the tenants that have something to project.

        Now and then all tenants are looked at, otherwise only those whose ledgers were written to lately.
        """
        if not self._looks.is_due:
            return await self._views.behind(self.names, within=RECENT)
        found = await self._views.behind(self.names)
        self._looks.done()
        return found

    async def project_together(self, tenants: Collection[TenantName]) -> dict[TenantName, int]:
        """Project a batch of those of these tenants that have few events; return how many were read of each.

        A tenant that is not returned has to be projected alone. Raises Unavailable.
        """
        if self._together is None or len(tenants) == 1:
            return {}
        views, read = self._together, dict[TenantName, int]()

        async def project(group: Sequence[TenantName]) -> None:
            read.update(await self._project_group_together(views, group))

        # While one group is stored, the next is derived.
        await work_on_groups(list(tenants), project, size=GROUP, lanes=LANES)
        return read

    async def _project_group_together(self, views: JointViews, group: Sequence[TenantName]) -> dict[TenantName, int]:
        try:
            return await project_together(views, self._projections.values(), group, self._reveal)
        except Busy:
            return {}  # one of them cannot be projected now, and each on its own, the others can
        except Unavailable:
            raise
        except Exception:
            _log.exception("Some tenants could not be projected together; projecting each on its own")
            return {}

    async def catch_up(self, tenant: TenantName) -> int:
        """Project batches until the tenant's views have read the whole ledger; return how many events were read."""
        total = 0
        while done := await self.project(tenant):
            total += done
        return total

    async def project(self, tenant: TenantName) -> int:
        """Project one batch. Each projection gets its own next events, so that none waits for one that is far behind.

        Returns how many events were read; 0 if there is nothing to do, or if others are doing it. Raises Unavailable.
        """
        began = monotonic()
        try:
            read = await self._project(tenant, self.names)
        except Unavailable:
            raise
        except Exception:
            # The rows of some projection could not be written. Project each on its own, so that the others go on.
            _log.exception("A batch of tenant %s could not be written; projecting each view on its own", tenant)
            return sum([await self._project_alone(tenant, name) for name in self.names])
        if read:
            EVENTS_PROJECTED.add(read)
            PROJECT_SECONDS.observe(monotonic() - began)
        return read

    async def _project_alone(self, tenant: TenantName, name: str) -> int:
        try:
            return await self._project(tenant, [name])
        except Unavailable:
            raise
        except Exception as error:
            async with self._views.batch(tenant, [name]) as batch:
                # If another projector holds the checkpoint now, it will meet the same error.
                if batch.checkpoints:
                    await self._stop(batch, tenant, name, error)
            return 0

    async def _project(self, tenant: TenantName, names: Sequence[str]) -> int:
        async with self._views.batch(tenant, names) as batch:
            running = await self._not_ahead(batch, tenant)
            positions = sorted({c.position for c in running})
            read = 0
            for start, ahead in zip_longest(positions, positions[1:]):
                group = [self._projections[c.projection] for c in running if c.position == start]
                # A projection that is behind reads up to the next checkpoint, and then goes on together with that
                # group.
                limit = self._limit if ahead is None else min(self._limit, ahead - start)
                read += await self._project_group(batch, tenant, group, after=start, limit=limit)
            return read

    @staticmethod
    async def _not_ahead(batch: ViewBatch, tenant: TenantName) -> list[ViewCheckpoint]:
        """Return the checkpoints to go on from. Those ahead of the ledger are stopped until their view is rebuilt.

        Nobody knows how much such a view has really read. If it ran on, it would skip events as soon as the ledger had
        passed its checkpoint.
        """
        running = [c for c in batch.checkpoints if c.error is None]
        for projection, position, _ in running:
            if position > batch.head:
                error = (
                    f"it is noted to have read {position} events, the ledger has {batch.head}; "
                    f"run ordertrail rebuild {projection} --tenant {tenant}"
                )
                _log.error("Projection %s of tenant %s stopped: %s", projection, tenant, error)
                await batch.stop(projection, error, until_rebuilt=True)
        return [c for c in running if c.position <= batch.head]

    async def _project_group(
        self, batch: ViewBatch, tenant: TenantName, group: Sequence[Projection], *, after: int, limit: int
    ) -> int:
        entries = await self._ahead.take(tenant, after=after, limit=limit)
        if entries:
            if len(entries) == limit:
                self._ahead.read(tenant, after=entries[-1].position, limit=self._limit)
            # Ask for all present rows before writing any, so that no question waits behind rows on their way.
            present = [await batch.present(projection.name, projection.needs(entries)) for projection in group]
            made = {}
            for projection, rows in zip(group, present, strict=True):
                made[projection.name] = progress(projection, entries, rows)
                await batch.save(projection.name, made[projection.name].rows)
            await self._record(batch, tenant, entries, made)
        return len(entries)

    async def _record(
        self, batch: ViewBatch, tenant: TenantName, entries: Sequence[Entry], made: Mapping[str, ProjectionProgress]
    ) -> None:
        """Move each checkpoint as far as its projection got, and record the error that stopped it there."""
        for taken in sorted({taken for taken, _, _ in made.values() if taken}):
            together = [name for name in made if made[name].taken == taken]
            await batch.advance(together, entries[taken - 1].position)
        for name, (_, _, error) in made.items():
            if error is not None:
                await self._stop(batch, tenant, name, error)

    @staticmethod
    async def _stop(batch: ViewBatch, tenant: TenantName, name: str, error: Exception) -> None:
        _log.error("Projection %s of tenant %s stopped: %s", name, tenant, error)
        await batch.stop(name, f"{type(error).__name__}: {error}")
