"""Queries about integrations: their details, and their failed calls."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple, Protocol

from application.bodies.failed_calls import whole
from application.bodies.vault import SealedBodies
from application.ledger.codec import decode_as
from application.ledger.port import Page, RecordedEvent
from application.privacy.legible import legibly
from application.runtime.room import Part, Room
from application.views.projections.integrations import IntegrationRow
from domain.errors import IntegrationNotFound
from domain.events.integration import ExceptionLogged
from domain.values import BodyRef, TenantName

MAX_INTEGRATIONS = 10_000
"""How many integrations of a tenant are listed: those with the lowest ids."""
MAX_PAGE_BYTES = 32 * 1024 * 1024
"""How many bytes a page reads from beside the ledger. A first entry that is larger is still read."""

Order = Literal["asc", "desc"]


class ExceptionFilter(NamedTuple):
    """The exceptions to list; None does not restrict. occurred_before is exclusive."""

    integration_id: int | None = None
    occurred_before: datetime | None = None


class LoggedException(NamedTuple):
    """An exception: as the ledger has it, and as an event, which equals the reported one once it was made whole.

    event is None if it cannot be read. unreadable says why its large parts cannot be read; None if they can be.
    """

    recorded: RecordedEvent
    event: ExceptionLogged | None
    unreadable: str | None = None

    @property
    def position(self) -> int:
        return self.recorded.position


class IntegrationViews(Protocol):
    """The views of integrations at this moment."""

    async def integration(self, tenant: TenantName, integration_id: int) -> IntegrationRow | None: ...

    async def integrations(self, tenant: TenantName, *, limit: int) -> list[IntegrationRow]:
        """Return integrations in the order of their ids, until their details reach PAGE_BYTES."""

    async def exceptions(
        self, tenant: TenantName, wanted: ExceptionFilter, *, order: Order, cursor: int | None, limit: int
    ) -> Page[RecordedEvent]:
        """Return exceptions in ledger order, or newest first, starting beyond this ledger position.

        A page ends before its limit with the entry that brings it to PAGE_BYTES.
        """


class IntegrationQueries:
    """Reads of integrations, as fresh as the views are."""

    def __init__(self, views: IntegrationViews, bodies: SealedBodies, room: Room | None = None) -> None:
        self._views = views
        self._bodies = bodies
        self._room = room

    async def integration(self, tenant: TenantName, integration_id: int) -> IntegrationRow:
        """Return an integration as it is now. Raises IntegrationNotFound."""
        row = await self._views.integration(tenant, integration_id)
        if row is None:
            raise IntegrationNotFound(integration_id)
        return row

    async def integrations(self, tenant: TenantName) -> list[IntegrationRow]:
        """Return all integrations of a tenant."""
        return await self._views.integrations(tenant, limit=MAX_INTEGRATIONS)

    async def exceptions(
        self,
        tenant: TenantName,
        wanted: ExceptionFilter,
        *,
        order: Order = "desc",
        cursor: int | None = None,
        limit: int,
    ) -> Page[LoggedException]:
        """Return a page of exceptions beyond a ledger position; fewer than limit if they are very large.

        They are as the ledger has them; whole completes them one by one. Raises IntegrationNotFound.
        """
        found = await self._views.exceptions(tenant, wanted, order=order, cursor=cursor, limit=limit)
        if not found and wanted.integration_id is not None:
            await self.integration(tenant, wanted.integration_id)
        show = legibly(tenant, _logged, instead=_illegible)
        entries = [entry for recorded in found if (entry := show(recorded))]
        page = entries[: _how_many_fit(entries)]
        if self._room is not None:
            await self._room.hold(tenant, Part.MADE, sum(map(_size, page)))
        return Page(page, has_more=found.has_more or len(page) < len(entries))

    async def whole(self, tenant: TenantName, entry: LoggedException) -> LoggedException:
        """Return an exception of a page together with its parts that are kept beside the ledger."""
        if entry.event is None:
            return entry
        event, why = await whole(self._bodies, tenant, entry.event)
        return LoggedException(entry.recorded, event, why)


def _logged(recorded: RecordedEvent) -> LoggedException:
    event = decode_as(ExceptionLogged, recorded)
    if event.content is not None:
        BodyRef.model_validate(vars(event.content))  # its size is counted, and its digest looked up
    return LoggedException(recorded, event)


def _illegible(recorded: RecordedEvent) -> LoggedException:
    return LoggedException(recorded, None)


def _how_many_fit(entries: Sequence[LoggedException]) -> int:
    """Return how many of these fit on one page when they are whole: at least one."""
    size = 0
    for n, entry in enumerate(entries):
        size += _size(entry)
        if n and size > MAX_PAGE_BYTES:
            return n
    return len(entries)


def _size(entry: LoggedException) -> int:
    """Return how many bytes of an exception are kept beside the ledger."""
    return entry.event.content.size if entry.event and entry.event.content else 0
