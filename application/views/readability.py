"""Whether recorded data can be read: keys of personal data, the data encrypted with them, and bodies of calls."""

from collections.abc import AsyncIterator, Callable
from typing import Protocol

from application.bodies.vault import WITH_CONTENT, Gone, SealedBodies, digest_in
from application.ledger.codec import DAMAGE, decode, in_words
from application.ledger.port import EventStore, RecordedEvent
from application.privacy.keys import KeyRing
from application.privacy.legible import why_unreadable
from application.views.history import EventUnread
from domain.errors import InvalidEvent, UnreadableKey
from domain.events.catalogue import is_ours
from domain.values import TenantName

PAGE = 1_000
PAGE_BYTES = 8 * 2**20

Show = Callable[[int, int], None]
"""Takes the number of events read so far, and the number of all."""


class Keys(KeyRing, Protocol):
    """The keys of personal data, with a check of every key."""

    def damaged(self, tenant: TenantName) -> AsyncIterator[str]:
        """Yield the subjects whose keys cannot be read, because their rows were changed. Raises Unavailable."""


class Readability:
    """Finds unreadable data, a page at a time. store decrypts what it reads."""

    def __init__(self, store: EventStore, keys: Keys, bodies: SealedBodies) -> None:
        self._store = store
        self._keys = keys
        self._bodies = bodies

    def damaged_keys(self, tenant: TenantName) -> AsyncIterator[str]:
        """Yield the subjects whose keys cannot be read. Every key is checked."""
        return self._keys.damaged(tenant)

    async def unread(
        self, tenant: TenantName, show: Show, *, after: int = 0, with_bodies: bool = False
    ) -> AsyncIterator[EventUnread]:
        """Yield the events after a position that cannot be read, or only in part. with_bodies also checks the bodies of
        calls.

        Everything encrypted in them is opened.
        """
        head, imported = await self._store.head(tenant), await self._keys.imported(tenant)
        while page := await self._store.read_ledger(tenant, after=after, upto=head, limit=PAGE, max_bytes=PAGE_BYTES):
            for event in page:
                why = _why(event)
                if why is None and with_bodies and event.position > imported and event.type in WITH_CONTENT:
                    why = await self._why_not_said(tenant, event)
                if why is not None:
                    yield EventUnread(event, why)
            after = page[-1].position
            show(after, head)

    async def _why_not_said(self, tenant: TenantName, event: RecordedEvent) -> str | None:
        """Return why a call's body cannot be read; None if it can be, or if it was erased or has expired."""
        if (digest := digest_in(event.data)) is None:
            return None
        try:
            found = await self._bodies.get(tenant, event.stream, digest)
        except (InvalidEvent, UnreadableKey) as damage:
            return f"what was said in the call: {damage}"
        return "what was said in the call is missing" if found is Gone.MISSING else None


def _why(event: RecordedEvent) -> str | None:
    if not is_ours(event.type):
        return None
    try:
        decode(event)
    except (InvalidEvent, *DAMAGE) as damage:
        return why_unreadable(event) or in_words(damage)
    return why_unreadable(event)
