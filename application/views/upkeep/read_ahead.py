"""Reading ahead: the next events of a ledger are read while the database writes the rows of the last."""

import asyncio
from contextlib import suppress
from typing import NamedTuple, Protocol

from application.ledger.port import RecordedEvent
from application.views.projections.entries import Entry
from application.views.upkeep.customers import Reveal
from domain.errors import InvalidEvent
from domain.values import TenantName


class Ledgers(Protocol):
    """Where events are read."""

    async def events(self, tenant: TenantName, *, after: int, limit: int) -> list[RecordedEvent]:
        """Return the next events of a ledger. Raises Unavailable."""


class _Page(NamedTuple):
    tenant: TenantName
    after: int
    limit: int


class ReadAhead:
    """Hands out pages of ledgers, of which one at a time may have been read before it is asked for.

    A page that was read too early ends too early; it is never wrong, for events do not change. One that was empty is
    read again.
    """

    def __init__(self, ledgers: Ledgers, reveal: Reveal) -> None:
        self._ledgers = ledgers
        self._reveal = reveal
        self._next: tuple[_Page, asyncio.Task[list[Entry]]] | None = None

    def read(self, tenant: TenantName, *, after: int, limit: int) -> None:
        """Begin to read a page that will be asked for."""
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
            # Whatever kept it from being read early: read in its turn, it says what is wrong.
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
        entries = [_read(event) for event in events]
        await self._reveal(page.tenant, entries)
        return entries


def _read(event: RecordedEvent) -> Entry:
    """Return an entry that is read already if it can be; what is wrong with it is for the projections to see."""
    entry = Entry(event)
    with suppress(InvalidEvent):
        if entry.is_ours:
            _ = entry.fields
    return entry
