"""What can be read of integrations: what they are, and the calls of theirs that failed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple, Protocol

from application.codec import decode_as
from application.failed_calls import whole
from application.ledger import RecordedEvent
from application.legible import shown
from application.projections.integrations import IntegrationRow
from application.sealed_contents import SealedContents
from domain.errors import IntegrationNotFound
from domain.events.integration import ExceptionLogged
from domain.values import ContentRef, TenantName

MAX_INTEGRATIONS = 10_000
"""How many integrations of a tenant are listed, the ones with the lowest ids."""
MAX_PAGE_BYTES = 32 * 1024 * 1024
"""How much of what is kept beside the ledger a page brings back, unless its first entry alone is larger."""

Order = Literal["asc", "desc"]


class ExceptionFilter(NamedTuple):
    """Which exceptions to list; None does not restrict. occurred_before is exclusive."""

    integration_id: int | None = None
    occurred_before: datetime | None = None


class LoggedException(NamedTuple):
    """An exception: as the ledger has it, and as it was told to us; None if that cannot be read.

    unreadable is why what was large in it cannot; None if it can.
    """

    recorded: RecordedEvent
    event: ExceptionLogged | None
    unreadable: str | None = None


class ExceptionPage(NamedTuple):
    """Some exceptions in the order they were asked for, and whether there are more beyond them."""

    entries: list[LoggedException]
    has_more: bool


class IntegrationViews(Protocol):
    """The views of integrations, as they are at the moment."""

    async def integration(self, tenant: TenantName, integration_id: int) -> IntegrationRow | None: ...

    async def integrations(self, tenant: TenantName, *, limit: int) -> list[IntegrationRow]:
        """Return integrations in the order of their ids."""

    async def exceptions(
        self, tenant: TenantName, wanted: ExceptionFilter, *, order: Order, cursor: int | None, limit: int
    ) -> list[RecordedEvent]:
        """Return exceptions in ledger order, or newest first, from those beyond this ledger position."""


class IntegrationQueries:
    """Reads of integrations; what they show is as fresh as the views are."""

    def __init__(self, views: IntegrationViews, contents: SealedContents) -> None:
        self._views = views
        self._contents = contents

    async def integration(self, tenant: TenantName, integration_id: int) -> IntegrationRow:
        """Return what an integration is now. Raises IntegrationNotFound."""
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
    ) -> ExceptionPage:
        """Return a page of exceptions beyond a ledger position; fewer than limit if they are very large.

        Raises IntegrationNotFound.
        """
        events = await self._views.exceptions(tenant, wanted, order=order, cursor=cursor, limit=limit + 1)
        if not events and wanted.integration_id is not None:
            await self.integration(tenant, wanted.integration_id)
        entries = shown(tenant, events[:limit], _logged, instead=lambda recorded: LoggedException(recorded, None))
        page = entries[: _how_many_fit(entries)]
        return ExceptionPage([await self._whole(tenant, entry) for entry in page], has_more=len(events) > len(page))

    async def _whole(self, tenant: TenantName, entry: LoggedException) -> LoggedException:
        if entry.event is None:
            return entry
        event, why = await whole(self._contents, tenant, entry.event)
        return LoggedException(entry.recorded, event, why)


def _logged(recorded: RecordedEvent) -> LoggedException:
    event = decode_as(ExceptionLogged, recorded)
    if event.content is not None:
        ContentRef.model_validate(vars(event.content))  # it is counted, and looked for
    return LoggedException(recorded, event)


def _how_many_fit(entries: Sequence[LoggedException]) -> int:
    """Return how many of these a page can bring back whole: at least one."""
    size = 0
    for n, entry in enumerate(entries):
        size += entry.event.content.size if entry.event and entry.event.content else 0
        if n and size > MAX_PAGE_BYTES:
            return n
    return len(entries)
