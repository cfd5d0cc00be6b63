"""A replay reads what it was asked for, page by page, and shows nothing that was erased."""

from collections.abc import Sequence
from datetime import datetime

import pytest

from api.services import Services
from application.access.callers import Tenant
from application.ledger import replay
from application.ledger.codec import encode
from application.ledger.port import ANY, Append, Write
from domain.errors import BeyondHead
from domain.events.event import Event
from tests.builders import ORDER, a_created_event, an_event


async def tell(services: Services, tenant: Tenant, *events: Event) -> datetime:
    """Append some events of one order; return when they were recorded."""
    write = Write(events[0].originator_id, ANY, tuple(map(encode, events)))
    return (await services.store.append(Append(tenant.name, (write,)))).recorded_at


async def positions(services: Services, tenant: Tenant, wanted: range, order_id: str | None = None) -> list[int]:
    pages = services.replay.events(tenant.name, wanted, order_id)
    return [event.position async for page in pages for event in page]


async def test_a_replay_reads_page_by_page(services: Services, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "PAGE", 2)
    for _ in range(4):
        await tell(services, tenant, an_event(order_id="a"), an_event(order_id="a"))
        await tell(services, tenant, an_event(order_id="b"))

    assert await positions(services, tenant, range(1, 13)) == list(range(1, 13))
    assert await positions(services, tenant, range(4, 9)) == [4, 5, 6, 7, 8]
    assert await positions(services, tenant, range(4, 11), "a") == [4, 5, 7, 8, 10]
    assert await positions(services, tenant, range(4, 11), "b") == [6, 9]
    begun = [found async for found in services.replay.orders(tenant.name, range(1, 5))]
    assert begun == [(2, ["a"]), (4, ["b"])]


async def test_bounds_are_positions_or_instants_of_recording(services: Services, tenant: Tenant) -> None:
    times = [await tell(services, tenant, an_event(), an_event()) for _ in range(5)]

    async def bounds(first: replay.Bound | None = None, last: replay.Bound | None = None) -> Sequence[int]:
        found = await services.replay.positions(tenant.name, first, last)
        return [*found[:1], *found[-1:]]

    assert await bounds() == [1, 10]
    assert await bounds(3, 7) == [3, 7]
    assert await bounds(0, 99) == [1, 10]
    assert await bounds(times[1], times[3]) == [3, 8]
    assert await bounds(times[1] + replay.INSTANT, times[3] - replay.INSTANT) == [5, 6]
    assert await bounds(last=times[0] - replay.INSTANT) == await bounds(first=times[4] + replay.INSTANT) == []
    assert await bounds(8, 7) == await bounds(11, None) == []
    with pytest.raises(BeyondHead):
        await bounds(12, None)


async def test_what_was_erased_is_not_shown_though_no_view_knows_it_yet(services: Services, tenant: Tenant) -> None:
    await tell(services, tenant, a_created_event())
    await services.orders.redact(tenant, ORDER)
    await tell(services, tenant, a_created_event(order_id="other"))

    pages = [page async for page in services.replay.events(tenant.name, range(1, 4))]

    assert ["Grace" in event.data.decode() for page in pages for event in page] == [False, False, True]
