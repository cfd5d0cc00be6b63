"""Projecting many tenants together: none waits for another, and each is stored in a transaction of its own.

A tenant with few new events, all of whose views are at the same place, is read without a lock. Its rows are stored only
if its views are still there. Whatever is not as expected is left to whoever projects one tenant at a time.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from time import monotonic
from typing import Any, NamedTuple, Protocol

from application.ledger.port import RecordedEvent
from application.runtime.measures import EVENTS_PROJECTED, PROJECT_SECONDS
from application.views.projections.entries import Entry
from application.views.projections.projection import Projection, Row
from application.views.upkeep.customers import Reveal
from application.views.upkeep.read_ahead import entry_of
from domain.values import TenantName

GROUP = 50
"""How many tenants are read before the first of them is stored."""
FEW = 100
"""How many new events a tenant may have to be projected together with others."""


class NextEvents(NamedTuple):
    """The position that all views of a tenant are at, and the events after it."""

    tenant: TenantName
    after: int
    events: Sequence[RecordedEvent]


class NewRows(NamedTuple):
    """The rows that bring the views of a tenant from one position to another."""

    tenant: TenantName
    after: int
    upto: int
    rows: Mapping[str, Sequence[Row]]


class JointViews(Protocol):
    """Holds the views of many tenants, and reads and stores those of many at a time."""

    async def next_events(
        self, tenants: Sequence[TenantName], projections: Sequence[str], *, limit: int
    ) -> Sequence[NextEvents]:
        """Return the next events of those tenants whose views are all at one position, none of them stopped, and less
        than limit events behind. Raises Unavailable.
        """

    async def present(
        self, view: str, ids: Mapping[TenantName, Sequence[str]]
    ) -> Mapping[TenantName, Mapping[str, Any]]:
        """Return each tenant's rows with these ids in a view, as far as they exist. Raises Unavailable."""

    async def store(
        self, batches: Sequence[NewRows], projections: Sequence[str]
    ) -> Mapping[TenantName, Exception | None]:
        """Store each tenant's rows and move its checkpoints, unless they have moved since or are held by somebody.

        Each is a transaction of its own. Returns the tenants whose rows were stored, and the errors of those whose rows
        could not be. Raises Unavailable if the database is lost.
        """


async def project_together(
    views: JointViews, projections: Collection[Projection], tenants: Sequence[TenantName], reveal: Reveal
) -> dict[TenantName, int]:
    """Project the next events of tenants that have few; return how many were read of each.

    A tenant that is not returned has to be projected alone. Raises Unavailable.
    """
    began, names = monotonic(), [projection.name for projection in projections]
    found = await views.next_events(tenants, names, limit=FEW)
    read = {tenant: len(events) for tenant, _, events in found}
    entries = {tenant: [entry_of(event) for event in events] for tenant, _, events in found if events}
    await asyncio.gather(*(reveal(tenant, its) for tenant, its in entries.items()))
    present = {projection.name: await _present(views, projection, entries) for projection in projections}
    batches = []
    afters = {tenant: after for tenant, after, _ in found}
    for tenant, its in entries.items():
        try:
            rows = {p.name: p.rows(its, present[p.name].get(tenant, {})) for p in projections}
        except Exception:
            # Projected alone, the tenant's other views go on, and the error is noted.
            del read[tenant]
        else:
            batches.append(NewRows(tenant, afters[tenant], its[-1].position, rows))
    await _store(views, batches, names, read)
    if total := sum(read.values()):
        EVENTS_PROJECTED.add(total)
        PROJECT_SECONDS.observe(monotonic() - began)
    return read


async def _store(
    views: JointViews, batches: Sequence[NewRows], names: Sequence[str], read: dict[TenantName, int]
) -> None:
    """Store rows, and correct how many events were read of the tenants whose rows were not stored."""
    stored = await views.store(batches, names) if batches else {}
    for batch in batches:
        if batch.tenant not in stored:
            read[batch.tenant] = 0  # another projector has it
        elif stored[batch.tenant] is not None:
            del read[batch.tenant]


async def _present(
    views: JointViews, projection: Projection, entries: Mapping[TenantName, Sequence[Entry]]
) -> Mapping[TenantName, Mapping[str, Any]]:
    """Return the present rows that a projection needs of each tenant."""
    needs = {tenant: ids for tenant, its in entries.items() if (ids := projection.needs(its))}
    return await views.present(projection.name, needs) if needs else {}
