"""Export: a ledger as the lines of a file, up to its newest checkpoint."""

from collections.abc import AsyncIterator
from typing import Protocol

from application.ledger.port import EventStore, RecordedEvent
from application.ledger_file.lines import Header, Trailer, checkpoint_line, event_line, header_line, trailer_line
from application.transparency.checking import checked_note
from application.transparency.checkpoint import KeptNote
from application.transparency.kept_tree import newest_checkpoint
from application.transparency.keys import SigningKeyStore, identity
from application.transparency.sealing import Sealer
from domain.values import TenantName

PAGE = 2_000
PAGE_BYTES = 8 * 2**20


class Notes(Protocol):
    """Signed checkpoints."""

    async def newest_note(self, tenant: TenantName) -> KeptNote | None:
        """Return the note of the present tree."""

    async def notes(self, tenant: TenantName, *, after: int, limit: int) -> list[KeptNote]:
        """Return signed checkpoints larger than after, in order of size."""


class LedgerExport:
    """Writes ledgers as they are stored: encrypted data stays encrypted."""

    def __init__(self, store: EventStore, notes: Notes, keys: SigningKeyStore, sealer: Sealer) -> None:
        self._store = store
        self._notes = notes
        self._keys = keys
        self._sealer = sealer

    async def seal(self, tenant: TenantName) -> None:
        """Seal what is committed now, unless another sealer does so at this moment. Raises TenantNotFound."""
        await self._store.head(tenant)
        await self._sealer.seal_all()

    async def lines(self, tenant: TenantName) -> AsyncIterator[tuple[int, int, list[bytes]]]:
        """Seal a ledger and yield its file's lines, each time with the number of events written and the number of all.

        Events that come later, or that another sealer is sealing at this moment, are left out. The events are not
        compared with the checkpoints here: the reader of the file does that. Raises TenantNotFound, Unproven.
        """
        await self.seal(tenant)
        newest = await self._notes.newest_note(tenant)
        known = await identity(self._keys, tenant)
        end = newest_checkpoint(None, known) if newest is None else checked_note(tenant, newest, known)
        yield 0, end.size, [header_line(Header(tenant, known.origin, known.verifiers, end.size))]
        position = checkpoints = 0
        while position < end.size and (page := await self._page(tenant, position, end.size)):
            notes = dict(await self._notes.notes(tenant, after=position, limit=PAGE))
            lines = []
            for event in page:
                lines.append(event_line(tenant, event))
                if event.position in notes:
                    lines.append(checkpoint_line(notes[event.position]))
                    checkpoints += 1
            position = page[-1].position
            yield position, end.size, lines
        yield position, end.size, [trailer_line(Trailer(end.size, checkpoints, end.root))]

    async def _page(self, tenant: TenantName, after: int, upto: int) -> list[RecordedEvent]:
        return await self._store.read_ledger(tenant, after=after, upto=upto, limit=PAGE, max_bytes=PAGE_BYTES)
