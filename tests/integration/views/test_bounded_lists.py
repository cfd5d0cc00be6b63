"""Whatever a list is of, it ends with the entry that brings it to a number of bytes, and tells that there is more."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from api.services import Services
from application.access.callers import Tenant
from application.ledger.codec import encode
from application.ledger.port import ANY, Append, Page, Write
from application.views.integration_queries import ExceptionFilter
from application.views.queries import CallFilter, OrderFilter, TimelineFilter
from application.views.upkeep.projector import Projector
from domain.events.event import Event
from domain.events.integration import Registered
from domain.events.lifecycle import CommentAdded
from domain.streams import integration_stream
from infrastructure.views import read as views
from tests.builders import a_created_event, a_service_event, a_system_log, an_event, an_exception

LARGE = 3_000
"""How large each event is, about; three of them are more than a list may be."""
List = Callable[[Services, Tenant, Any, int], Awaitable[Sequence[Any]]]


async def _timeline(services: Services, tenant: Tenant, cursor: Any, limit: int) -> Page[int]:
    found = await services.queries.views.timeline(tenant.name, "1", TimelineFilter(), cursor=cursor, limit=limit)
    return Page([entry.event.position for entry in found], has_more=found.has_more)


async def _timeline_backwards(services: Services, tenant: Tenant, cursor: Any, limit: int) -> Page[int]:
    wanted = TimelineFilter(order="desc")
    found = await services.queries.views.timeline(tenant.name, "1", wanted, cursor=cursor, limit=limit)
    return Page([entry.event.position for entry in found], has_more=found.has_more)


async def _exceptions(services: Services, tenant: Tenant, cursor: Any, limit: int) -> Page[int]:
    queries, one = services.integration_queries, ExceptionFilter(7)
    found = await queries.exceptions(tenant.name, one, cursor=cursor, limit=limit)
    return Page([entry.recorded.position for entry in found], has_more=found.has_more)


async def _exceptions_of_all(services: Services, tenant: Tenant, cursor: Any, limit: int) -> Page[int]:
    queries, all_ = services.integration_queries, ExceptionFilter()
    found = await queries.exceptions(tenant.name, all_, order="asc", cursor=cursor, limit=limit)
    return Page([entry.recorded.position for entry in found], has_more=found.has_more)


async def _orders(services: Services, tenant: Tenant, cursor: Any, limit: int) -> Page[int]:
    found = await services.queries.views.orders(tenant.name, OrderFilter(), before=cursor, limit=limit)
    return Page([row.first_position for row in found], has_more=found.has_more)


async def _stream(services: Services, tenant: Tenant, cursor: Any, limit: int) -> Page[int]:
    after = cursor or 0
    found = await services.store.read_stream(tenant.name, "order-1", after=after, limit=limit, max_bytes=2 * LARGE)
    return Page([event.version for event in found], has_more=bool(found))


def _events_of(kind: str) -> list[Event]:
    text = "x" * LARGE
    match kind:
        case "integration":
            return [an_exception(7, exception=text) for _ in range(5)]
        case "orders":
            # What each service says is part of what the order is.
            return [a_service_event(order_id=str(n), description=text) for n in range(5)]
        case _:
            return [a_created_event(order_id="1"), *(an_event(CommentAdded, order_id="1", text=text) for _ in range(4))]


async def _tell(services: Services, tenant: Tenant, projector: Projector, events: Sequence[Event]) -> None:
    for event in events:
        write = Write(event.originator_id, ANY, (encode(event),))
        await services.store.append(Append(tenant.name, (write,)))
    await projector.behind()
    await projector.catch_up(tenant.name)


@pytest.fixture(autouse=True)
def _little(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "PAGE_BYTES", 2 * LARGE)


@pytest.mark.parametrize(
    ("kind", "read", "sizes"),
    [
        ("timeline", _timeline, [3, 2]),
        ("timeline", _timeline_backwards, [2, 2, 1]),
        ("integration", _exceptions, [2, 2, 1]),
        ("integration", _exceptions_of_all, [2, 2, 1]),
        ("orders", _orders, [2, 2, 1]),
        ("timeline", _stream, [3, 2, 0]),
    ],
)
async def test_a_list_of_pages_is_bounded_in_bytes_and_skips_nothing(
    services: Services, tenant: Tenant, projector: Projector, kind: str, read: List, sizes: list[int]
) -> None:
    await _tell(services, tenant, projector, _events_of(kind))
    whole = await read(services, tenant, None, 1)
    assert len(whole) == 1

    pages = [await read(services, tenant, None, 100)]
    while pages[-1].has_more:  # type: ignore[attr-defined]
        pages.append(await read(services, tenant, pages[-1][-1], 100))

    assert [len(page) for page in pages] == sizes
    found = [position for page in pages for position in page]
    assert len(set(found)) == len(found) == 5


async def test_an_entry_that_is_larger_than_a_list_may_be_is_a_list_of_its_own(
    services: Services, tenant: Tenant, projector: Projector
) -> None:
    comments = [an_event(CommentAdded, order_id="1", text="x" * 10 * LARGE) for _ in range(2)]
    await _tell(services, tenant, projector, comments)

    for read in (_timeline, _timeline_backwards):
        page = await read(services, tenant, None, 100)

        assert (len(page), page.has_more) == (1, True)


async def test_of_an_action_log_the_newest_are_kept(services: Services, tenant: Tenant, projector: Projector) -> None:
    await _tell(services, tenant, projector, _events_of("timeline"))

    rows = await services.queries.views.action_log(tenant.name, "1", limit=100)

    assert [row.position for row in rows] == [5, 4]


@pytest.mark.parametrize("text", ["x", "0123456789abcdef"])
async def test_what_was_compressed_counts_for_what_it_is(
    services: Services, tenant: Tenant, projector: Projector, text: str
) -> None:
    reports = [a_service_event(order_id="1", metadata={"text": text * (LARGE // len(text)), "n": n}) for n in range(5)]
    comments = [an_event(CommentAdded, order_id="1", text=text * (10 * LARGE // len(text))) for _ in range(2)]
    await _tell(services, tenant, projector, [*reports, *comments])

    found = await services.queries.views.service_events(tenant.name, "1", limit=100)
    actions = await services.queries.views.action_log(tenant.name, "1", limit=100)

    assert (len(found), found.has_more) == (2, True)
    assert len(actions) == 1


async def test_calls_are_listed_in_parts(services: Services, tenant: Tenant, projector: Projector) -> None:
    calls = [a_system_log(order_id="1", request_url="x" * LARGE) for _ in range(5)]
    await _tell(services, tenant, projector, calls)
    read = services.queries.views.system_log

    parts = [await read(tenant.name, "1", CallFilter(), offset=offset, limit=4 - offset) for offset in (0, 2)]
    rest = await read(tenant.name, "1", CallFilter(), offset=4, limit=4)

    assert [([event.position for event in part], part.has_more) for part in (*parts, rest)] == [
        ([1, 2], True),
        ([3, 4], False),
        ([5], False),
    ]


async def test_integrations_are_listed_until_their_details_are_too_much(
    services: Services, tenant: Tenant, projector: Projector
) -> None:
    integrations = [Registered(originator_id=integration_stream(n), details={"text": "x" * LARGE}) for n in range(1, 6)]
    await _tell(services, tenant, projector, integrations)

    rows = await services.integration_queries.integrations(tenant.name)

    assert [row.integration_id for row in rows] == [1, 2]
