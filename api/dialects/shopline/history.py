"""Where SHOPLINE's order objects come from: what changed an order, in the order it happened."""

from collections.abc import Awaitable, Callable, Sequence

from api.bootstrap import Services
from api.dialects.shopline.order import OrderObject
from application.access import Tenant
from application.ledger import RecordedEvent
from application.legible import notice
from application.projections.timeline import kind_of
from application.queries import TimelineFilter
from application.recorded import Recorded
from domain.events.catalogue import CATALOGUE
from domain.order import stream_of

PAGE = 1_000
_CHANGES = tuple(topic for topic in CATALOGUE if topic.startswith("order.") and kind_of(topic) == "action")


async def order_now(services: Services, tenant: Tenant, order_id: str) -> OrderObject:
    """Return the order as the view has it."""
    return _order(tenant, order_id, await changes(services, tenant, order_id))


async def order_after(services: Services, tenant: Tenant, result: Recorded) -> OrderObject:
    """Return the order as a request left it."""
    return _order(tenant, result.order_id, await _changes_until(services, tenant, result))


def _order(tenant: Tenant, order_id: str, events: Sequence[RecordedEvent]) -> OrderObject:
    order = OrderObject(order_id, events)
    for event, damage in order.unread:
        notice(tenant.name, f"event {event.position}", damage)
    return order


async def changes(services: Services, tenant: Tenant, order_id: str) -> list[RecordedEvent]:
    """Return what changed the order, as the view has it; nothing if there is no such order."""

    async def page(last: RecordedEvent | None) -> list[RecordedEvent]:
        entries = await services.queries.views.timeline(
            tenant.name,
            order_id,
            TimelineFilter(kind="action"),
            cursor=last.position if last else None,
            limit=PAGE,
        )
        return [entry.event for entry in entries]

    return await _all(page)


async def _changes_until(services: Services, tenant: Tenant, result: Recorded) -> list[RecordedEvent]:
    """Return what changed the order that a request wrote to, until then: the answer to a write does not wait for views.

    So the same request, sent again with its key, is answered with the same order.
    """
    stream = stream_of(result.order_id)
    upto = max(event.version for event in result.events if event.stream == stream)

    async def page(last: RecordedEvent | None) -> list[RecordedEvent]:
        after = last.version if last else 0
        return await services.store.read_stream(tenant.name, stream, after=after, upto=upto, types=_CHANGES, limit=PAGE)

    return await _all(page)


async def _all(page: Callable[[RecordedEvent | None], Awaitable[list[RecordedEvent]]]) -> list[RecordedEvent]:
    """Return the events of all pages, each read after the last event of the one before."""
    events = await page(None)
    while events and len(events) % PAGE == 0 and (further := await page(events[-1])):
        events += further
    return events
