"""Calls are searched among all of a tenant's, page by page, and counted by how long they took."""

from typing import Any

import pytest

from api.services import Services
from application.access.callers import Tenant
from application.ledger.codec import encode
from application.ledger.port import ANY, Append, Write
from application.views.browsing import CallSearch, DurationCount
from application.views.upkeep.projector import Projector
from domain.events.event import Event
from domain.values import TenantName
from tests.builders import a_system_log

LIMITS = (100, 1_000)
BEGAN = 1_700_000_000_000


def a_call(milliseconds: int | None = 50, **fields: Any) -> Event:
    ended = None if milliseconds is None else BEGAN + milliseconds
    return a_system_log(request_time=BEGAN, response_time=ended, **fields)


@pytest.fixture
async def told(services: Services, tenant: Tenant, projector: Projector) -> None:
    """One call that is unlike all others is the oldest of many."""
    odd = a_call(2_500, order_id="odd", carrier_id="ups", correlation_id="c-odd", response_code=503)
    rest = [a_call(n % 90, order_id=str(n), correlation_id=f"c-{n}") for n in range(400)]
    unanswered = a_call(None, order_id="none", carrier_id=None, response_code=None)
    writes = tuple(Write(event.originator_id, ANY, (encode(event),)) for event in (odd, *rest, unanswered))
    await services.store.append(Append(tenant.name, writes))
    await projector.behind()
    await projector.catch_up(tenant.name)


@pytest.mark.parametrize(
    "wanted",
    [
        CallSearch(order_id="odd"),
        CallSearch(correlation_id="c-odd"),
        CallSearch(carrier_id="ups"),
        CallSearch(response_from=500, response_to=599),
        CallSearch(least_milliseconds=2_500),
        CallSearch(carrier_id="ups", is_failed=True, least_milliseconds=1_000),
    ],
)
@pytest.mark.usefixtures("told")
async def test_the_oldest_call_is_found_among_all_others(
    services: Services, tenant: Tenant, wanted: CallSearch
) -> None:
    found = await services.browsing.calls(tenant.name, wanted, before=None, limit=10)

    assert [event.stream for event in found] == ["order-odd"]
    assert not found.has_more
    assert await services.browsing.durations(tenant.name, wanted, LIMITS) == [DurationCount(2, 1, 1)]


@pytest.mark.usefixtures("told")
async def test_pages_follow_each_other_without_a_gap(services: Services, tenant: Tenant) -> None:
    wanted, before, positions = CallSearch(carrier_id="dhl"), None, list[int]()
    while True:
        page = await services.browsing.calls(tenant.name, wanted, before=before, limit=150)
        positions += [event.position for event in page]
        if not page.has_more:
            break
        before = positions[-1]

    assert positions == list(range(401, 1, -1))


@pytest.mark.usefixtures("told")
async def test_calls_are_counted_by_how_long_they_took(services: Services, tenant: Tenant) -> None:
    counts = await services.browsing.durations(tenant.name, CallSearch(), LIMITS)

    assert set(counts) == {DurationCount(0, 400, 0), DurationCount(2, 1, 1), DurationCount(None, 1, 1)}


@pytest.mark.usefixtures("told")
async def test_only_the_newest_of_many_calls_are_counted(
    services: Services, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infrastructure.views.browse.MAX_COUNTED", 5)

    counts = await services.browsing.durations(tenant.name, CallSearch(), LIMITS)

    assert sum(count.number for count in counts) == 5


@pytest.mark.usefixtures("told")
async def test_all_carriers_are_listed_once(services: Services, tenant: Tenant) -> None:
    assert await services.browsing.carriers(tenant.name) == ["dhl", "ups"]


@pytest.mark.usefixtures("told")
async def test_nothing_is_found_of_another_tenant(services: Services) -> None:
    other = TenantName("globex")

    assert await services.browsing.calls(other, CallSearch(), before=None, limit=10) == []
    assert await services.browsing.durations(other, CallSearch(), LIMITS) == []
    assert await services.browsing.carriers(other) == []
