"""Reading ahead: a ledger's next events are read while the database writes the rows of the last ones."""

import asyncio
from contextlib import suppress
from typing import NamedTuple, Protocol

from application.ledger.port import RecordedEvent
from application.views.projections.entries import Entry
from application.views.upkeep.customers import Reveal
from domain.errors import InvalidEvent
from domain.values import TenantName


class Ledgers(Protocol):
    """The source of events."""

    async def events(self, tenant: TenantName, *, after: int, limit: int) -> list[RecordedEvent]:
        """Return the next events of a ledger. Raises Unavailable."""


class _Page(NamedTuple):
    tenant: TenantName
    after: int
    limit: int


class ReadAhead:
    """Hands out pages of ledgers. One page at a time may be read before it is asked for.

    A page that was read early may lack the newest events. It is never wrong, because events do not change. An empty
    page is read again.
    """

    def __init__(self, ledgers: Ledgers, reveal: Reveal) -> None:
        self._ledgers = ledgers
        self._reveal = reveal
        self._next: tuple[_Page, asyncio.Task[list[Entry]]] | None = None

    def read(self, tenant: TenantName, *, after: int, limit: int) -> None:
        """Start to read a page that will be asked for."""
        page = _Page(tenant, after, limit)
        task = asyncio.create_task(self._read(page), name="read ahead")
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._forget()
        self._next = page, task

    async def take(self, tenant: TenantName, *, after: int, limit: int) -> list[Entry]:
        """Return a page. Raises Unavailable."""
        page = _Page(tenant, after, limit)
        if self._next is not None and self._next[0] == page:
            _, task = self._next
            self._next = None
            # If the early read failed, the page is read again now; that read reports what is wrong.
            with suppress(Exception):
                if entries := await task:
                    return entries
        return await self._read(page)

    def _forget(self) -> None:
        if self._next is not None:
            self._next[1].cancel()
            self._next = None

    async def _read(self, page: _Page) -> list[Entry]:
        events = await self._ledgers.events(page.tenant, after=page.after, limit=page.limit)
        entries = [entry_of(event) for event in events]
        await self._reveal(page.tenant, entries)
        return entries


def entry_of(event: RecordedEvent) -> Entry:
    """Return a decoded entry if it can be decoded. If not, the projections will meet the error."""
    entry = Entry(event)
    with suppress(InvalidEvent):
        if entry.is_ours:
            _ = entry.fields
    return entry
