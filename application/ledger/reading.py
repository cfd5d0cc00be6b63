"""Reads events from one end to the other. Only one page is held at a time, however many and large they are."""

from collections.abc import AsyncIterator

from application.ledger.port import EventStore, RecordedEvent
from domain.values import TenantName


async def ledger_pages(
    store: EventStore, tenant: TenantName, *, after: int, upto: int, limit: int = 1_000
) -> AsyncIterator[list[RecordedEvent]]:
    """Yield pages of a ledger's events with after < position <= upto."""
    while page := await store.read_ledger(tenant, after=after, upto=upto, limit=limit):
        yield page
        after = page[-1].position
        del page  # free it before the next page is read


async def stream_pages(
    store: EventStore,
    tenant: TenantName,
    stream: str,
    *,
    after: int = 0,
    upto: int | None = None,
    types: tuple[str, ...] = (),
    **bounds: int,
) -> AsyncIterator[list[RecordedEvent]]:
    """Yield pages of a stream's events of these types (all, if none are named) with after < version <= upto.

    bounds are the limit and max_bytes of EventStore.read_stream.
    """
    while page := await store.read_stream(tenant, stream, after=after, upto=upto, types=types, **bounds):
        yield page
        after = page[-1].version
        del page  # free it before the next page is read
