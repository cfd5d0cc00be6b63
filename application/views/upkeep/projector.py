"""The projector: takes batches of a tenant's ledger and brings the views up to them, each exactly once."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from itertools import zip_longest
from typing import Any, NamedTuple, Protocol

from application.ledger.port import RecordedEvent
from application.views.projections.entries import Entry
from application.views.projections.projection import Projection, Row
from application.views.upkeep.customers import Reveal, reveal_nothing
from application.views.upkeep.read_ahead import ReadAhead
from domain.errors import Unavailable
from domain.values import Position, TenantName

_log = logging.getLogger(__name__)

BATCH = 2_000


class ViewCheckpoint(NamedTuple):
    """How far a projection has read its tenant's ledger, and why it stopped there if it did.

    A stopped projection is tried again after a while; its error is None then.
    """

    projection: str
    position: int
    error: str | None


class ViewAhead(NamedTuple):
    """A view that is noted to have read more events than its ledger has, or was so once and was not rebuilt since."""

    view: str
    position: int
    head: int

    def __str__(self) -> str:
        """Return what is wrong with it, in words."""
        if self.position > self.head:
            return f"view {self.view} is noted to have read {self.position} events, the ledger has {self.head}"
        was = f"view {self.view} was noted to have read more events than there were"
        return f"{was}, and is at {self.position} of {self.head}"


class ViewBatch(Protocol):
    """One transaction on a tenant's views: their rows and checkpoints change together or not at all."""

    checkpoints: Sequence[ViewCheckpoint]
    """The checkpoints that this transaction holds; those that another projector is working on are not among them."""
    head: Position
    """The ledger's head: none of these checkpoints can be further."""

    async def present(self, view: str, ids: Sequence[str]) -> Mapping[str, Any]:
        """Return the view's rows with these ids that exist."""

    async def save(self, view: str, rows: Sequence[Row]) -> None:
        """Add rows, or replace them where the view holds one row per id."""

    async def advance(self, projections: Sequence[str], position: int) -> None:
        """Move checkpoints forward to one position, and clear their errors."""

    async def stop(self, projection: str, error: str, *, until_rebuilt: bool = False) -> None:
        """Keep a checkpoint where it is, with the error that stopped it.

        It is tried again after a while; until_rebuilt, not before the view was rebuilt.
        """


class ViewStore(Protocol):
    """Where views and checkpoints are kept, and the ledger that they are made of."""

    async def events(self, tenant: TenantName, *, after: int, limit: int) -> list[RecordedEvent]:
        """Return the next events of a ledger: all that follow this position, or as many as one batch may have."""

    def batch(self, tenant: TenantName, projections: Sequence[str]) -> AbstractAsyncContextManager[ViewBatch]:
        """Open a transaction that holds the checkpoints of those of these projections that no other projector holds."""

    async def behind(self, projections: Sequence[str]) -> list[TenantName]:
        """Return the tenants with a checkpoint of these behind their ledger, or ahead of it, which is wrong.

        Checkpoints that are missing are created.
        """


class ProjectionProgress(NamedTuple):
    """What a projection makes of some entries: the rows of the first taken ones, and what stopped it after them."""

    taken: int
    rows: Sequence[Row]
    error: Exception | None


def progress(projection: Projection, entries: Sequence[Entry], present: Mapping[str, Any]) -> ProjectionProgress:
    """Run a projection over the entries; if it fails, over exactly those before the one it fails at."""
    best = ProjectionProgress(0, (), None)
    size, too_many = len(entries), len(entries) + 1
    while best.taken < size:
        try:
            best = ProjectionProgress(size, projection.rows(entries[:size], present), best.error)
        except Exception as error:
            # A bug of a projection stops it and nothing else. Halving finds the entry that shows it.
            best = best._replace(error=error)
            too_many = size
        size = (best.taken + too_many) // 2
    return best


class Projector:
    """Brings views up to their ledgers. Several may run at once, here and elsewhere: they share the checkpoints."""

    def __init__(
        self,
        views: ViewStore,
        projections: Iterable[Projection],
        *,
        reveal: Reveal = reveal_nothing,
        batch: int = BATCH,
    ) -> None:
        self._views = views
        self._projections = {projection.name: projection for projection in projections}
        self._limit = batch
        self._ahead = ReadAhead(views, reveal)

    @property
    def names(self) -> list[str]:
        return list(self._projections)

    async def behind(self) -> list[TenantName]:
        return await self._views.behind(self.names)

    async def catch_up(self, tenant: TenantName) -> int:
        """Project batches until the tenant's views have read all of its ledger; return how many events were read."""
        total = 0
        while done := await self.project(tenant):
            total += done
        return total

    async def project(self, tenant: TenantName) -> int:
        """Project one batch: the next events for every projection, so that none waits for one that is far behind.

        Returns how many events were read; 0 if there is nothing to do, or others are doing it. Raises Unavailable.
        """
        try:
            return await self._project(tenant, self.names)
        except Unavailable:
            raise
        except Exception:
            # The rows of some projection could not be written. Each on its own, the others do not suffer from it.
            _log.exception("A batch of tenant %s could not be written; projecting each view on its own", tenant)
            return sum([await self._project_alone(tenant, name) for name in self.names])

    async def _project_alone(self, tenant: TenantName, name: str) -> int:
        try:
            return await self._project(tenant, [name])
        except Unavailable:
            raise
        except Exception as error:
            async with self._views.batch(tenant, [name]) as batch:
                # If another projector holds it now, that one will see for itself.
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
                # Whoever is behind stops where the next ones are, and goes on together with them.
                limit = self._limit if ahead is None else min(self._limit, ahead - start)
                read += await self._project_group(batch, tenant, group, after=start, limit=limit)
            return read

    @staticmethod
    async def _not_ahead(batch: ViewBatch, tenant: TenantName) -> list[ViewCheckpoint]:
        """Return the checkpoints to go on from; those that are ahead of the ledger are stopped until they are rebuilt.

        Where such a view really is, nobody knows. Were it left running, it would skip events as soon as the ledger had
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
            # Asked first, so that nothing waits for an answer while rows are on their way.
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
        """Move the checkpoints as far as each projection got, and say what stopped it there."""
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
