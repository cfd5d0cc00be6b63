"""Import: the events of a file are stored in a ledger, each at the position it has in the file."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from application.ledger.port import EventStore, RecordedEvent
from application.ledger.reading import ledger_pages
from application.ledger_file.reading import LedgerFile
from application.privacy.keys import KeyRing
from application.transparency.audit.walk import Show
from domain.errors import OrdertrailError
from domain.events.integration import IntegrationRedacted
from domain.events.lifecycle import Redacted
from domain.events.person import Forgotten
from domain.values import TenantName

_ERASING = {Redacted.topic, IntegrationRedacted.topic, Forgotten.topic}


class CannotImport(OrdertrailError):
    """The ledger holds other events than the file."""


class Imported(NamedTuple):
    """How many events a ledger had before, and how many it has now."""

    before: int
    now: int


class LedgerContinuation(Protocol):
    """Stores events that already have their positions, versions and times."""

    async def add(self, tenant: TenantName, events: Sequence[RecordedEvent]) -> bool:
        """Store these events, all or none, if the first follows the ledger's newest; return whether it did.

        Raises TenantNotFound, InvalidEvent, Unavailable.
        """


class LedgerImport:
    """Imports into empty ledgers, and into ledgers that hold the beginning of the file: you can resume an import."""

    def __init__(self, store: EventStore, continuation: LedgerContinuation, keys: KeyRing) -> None:
        self._store = store
        self._continuation = continuation
        self._keys = keys

    async def add(self, file: LedgerFile, show: Show) -> Imported:
        """Add the events that the ledger lacks, page by page. Each page is durable before the next.

        The caller has checked the file; it is checked again here. Raises CannotImport, FileDamaged, TenantNotFound,
        Unavailable.
        """
        tenant, size = file.header.tenant, file.header.size
        before = await self._store.head(tenant)
        if before > size:
            raise CannotImport(f"{tenant} has {before - size} more events than the file")
        for page in file.pages():
            await self.add_page(tenant, page, before=before)
            show(page[-1].position, size)
        return Imported(before, size)

    async def add_page(self, tenant: TenantName, page: Sequence[RecordedEvent], *, before: int) -> None:
        """Compare the events up to position before with the ledger's, and add the others. Raises CannotImport."""
        await self._compare(tenant, [event for event in page if event.position <= before])
        await self._add(tenant, [event for event in page if event.position > before])

    async def _compare(self, tenant: TenantName, told: Sequence[RecordedEvent]) -> None:
        if not told:
            return
        rest = iter(told)
        async for page in ledger_pages(self._store, tenant, after=told[0].position - 1, upto=told[-1].position):
            for ours, theirs in zip(page, rest, strict=False):
                if ours != theirs:
                    raise CannotImport(
                        f"{tenant} has an event at position {theirs.position} that differs from the one in the file"
                    )

    async def _add(self, tenant: TenantName, events: Sequence[RecordedEvent]) -> None:
        if not events:
            return
        for event in events:
            if event.type in _ERASING:
                # A subject that was forgotten there never gets a key here, and data of it that was never encrypted is
                # not shown.
                await self._keys.destroy(tenant, event.stream, by="import")
        if not await self._continuation.add(tenant, events):
            raise CannotImport(
                f"During the import somebody else wrote to {tenant} before position {events[0].position}"
            )
