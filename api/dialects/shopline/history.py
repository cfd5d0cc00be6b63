"""The source of SHOPLINE's order objects: the events that changed an order, in ledger order."""

from collections.abc import AsyncIterator

from api.dialects.shopline.order import OrderObject
from api.services import Services
from application.access.callers import Tenant
from application.ledger.codec import DAMAGE
from application.ledger.outcome import Recorded
from application.ledger.port import RecordedEvent
from application.ledger.reading import stream_pages
from application.privacy.legible import notice
from application.views.projections.timeline import kind_of
from application.views.queries import TimelineFilter
from domain.errors import InvalidEvent
from domain.events.catalogue import CATALOGUE
from domain.streams import order_stream

PAGE = 1_000
_CHANGES = tuple(
    event_type for event_type in CATALOGUE if event_type.startswith("order.") and kind_of(event_type) == "action"
)


async def order_now(services: Services, tenant: Tenant, order_id: str) -> OrderObject:
    """Return the order as it is in the view."""
    return await _made_by(tenant, order_id, changes(services, tenant, order_id))


async def order_after(services: Services, tenant: Tenant, result: Recorded) -> OrderObject:
    """Return the order as it was after a request."""
    return await _made_by(tenant, result.order_id, _changes_until(services, tenant, result))


async def _made_by(tenant: Tenant, order_id: str, events: AsyncIterator[RecordedEvent]) -> OrderObject:
    """Return the order as these events made it. The changes of unreadable events are not known."""
    order = OrderObject(order_id)
    async for event in events:
        try:
            order.take(event)
        except (InvalidEvent, *DAMAGE) as damage:
            notice(tenant.name, f"event {event.position}", damage)
    return order


async def changes(services: Services, tenant: Tenant, order_id: str) -> AsyncIterator[RecordedEvent]:
    """Yield the events that changed the order, from the view; none if there is no such order."""
    cursor, has_more = None, True
    while has_more:
        page = await services.queries.views.timeline(
            tenant.name, order_id, TimelineFilter(kind="action"), cursor=cursor, limit=PAGE
        )
        has_more = page.has_more
        for entry in page:
            yield entry.event
            cursor = entry.event.position


async def _changes_until(services: Services, tenant: Tenant, result: Recorded) -> AsyncIterator[RecordedEvent]:
    """Yield the events that changed an order, up to those of this request. The answer to a write does not wait for
    views.

    So the same request, sent again with its key, is answered with the same order.
    """
    stream = order_stream(result.order_id)
    upto = max(event.version for event in result.events if event.stream == stream)
    async for page in stream_pages(services.store, tenant.name, stream, upto=upto, types=_CHANGES, limit=PAGE):
        for event in page:
            yield event
