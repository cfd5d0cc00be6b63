"""An order: its state, its story, and each thing that happened to it."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Request, Response
from pydantic_core import to_json

from api.http.public_url import public_url_or_host
from api.http.requests import ServicesDep, read
from api.native.render import order_item, timeline_item
from api.services import Services
from api.web.pages.asking import AskedDep, OrderName, Place, number, one_of, turned
from api.web.pages.tree import tree_of
from api.web.rendering import page
from api.web.route import PageRoute
from api.web.security import VisitorDep
from api.web.showing.amounts import sums
from api.web.showing.entries import by_day, shown_entries, shown_event
from api.web.sign_in import see
from application.access.callers import authorise
from application.ledger.port import Page
from application.views.order_rows import ShownOrder, shown_order
from application.views.projections.order_state import OrderStateRow
from application.views.queries import TimelineEntry, TimelineFilter
from domain.errors import EventNotFound
from domain.events.delivery import DeliveryStatusUpdated
from domain.events.lifecycle import StatusUpdated
from domain.events.payment import PaymentStatusUpdated
from domain.streams import order_stream
from domain.values import TenantName

PAGE = 50
KINDS = {
    "action": "Actions",
    "service": "Services",
    "call": "Calls",
    "integration": "Integrations",
}
_STEPS = (StatusUpdated.topic, PaymentStatusUpdated.topic, DeliveryStatusUpdated.topic)
"""The types of events that say what a status is now, and not what it was before."""

router = APIRouter(prefix="/ui/orders", route_class=PageRoute, include_in_schema=False)


@router.get("/{order_id}")
async def get_order(
    request: Request, order_id: OrderName, visitor: VisitorDep, services: ServicesDep, asked: AskedDep
) -> Response:
    """Show an order and a window of its timeline, the newest first."""
    authorise(visitor, "read:orders")
    tenant, cursor = visitor.tenant.name, number(asked, "before")
    await read(services, visitor, "order_state", "timeline", cursor=cursor)
    row = await services.queries.find_order(tenant, order_id)
    if row.order_id != order_id:
        return see(f"/ui/orders/{quote(row.order_id, safe='')}")
    entries = await _entries(services, tenant, order_id, _wanted(asked), cursor)
    shown = shown_order(row)
    entries_shown = shown_entries(entries, await _before(services, tenant, order_id, entries))
    tree = await tree_of(services, tenant, order_id, shown.state)
    return page(
        request,
        "order.html",
        visitor=visitor,
        row=row,
        order=shown,
        days=by_day(entries_shown),
        kinds=KINDS,
        asked=asked,
        turned=turned,
        older=turned(asked, before=entries[-1].event.position) if entries.has_more else None,
        newest=turned(asked, before=None) if cursor is not None else None,
        tree=tree,
        together=sums(branch.state.totals.total for branch in tree if branch.state and branch.state.totals),
        copies=_copies(request, order_id, row, shown),
    )


def _wanted(asked: Mapping[str, str]) -> TimelineFilter:
    one_of(asked, "kind", KINDS)
    return TimelineFilter(kind=asked.get("kind"), correlation_id=asked.get("correlation"), order="desc")


async def _entries(
    services: Services, tenant: TenantName, order_id: str, wanted: TimelineFilter, cursor: int | None
) -> Page[TimelineEntry]:
    return await services.queries.views.timeline(tenant, order_id, wanted, cursor=cursor, limit=PAGE)


async def _before(services: Services, tenant: TenantName, order_id: str, page_: Page[TimelineEntry]) -> dict[str, str]:
    """Return what each status was before a page's first event, if that event is on an earlier page."""
    if not page_.has_more:
        return {}
    before: dict[str, str] = {}
    for topic in {entry.event.type for entry in page_} & set(_STEPS):
        wanted = TimelineFilter(type=topic, order="desc")
        found = await services.queries.views.timeline(
            tenant, order_id, wanted, cursor=page_[-1].event.position, limit=1
        )
        for entry in shown_entries(found, {}):
            if entry.step is not None:
                before[f"{topic}/"] = entry.step.after
    return before


def _copies(request: Request, order_id: str, row: OrderStateRow, shown: ShownOrder) -> dict[str, str]:
    """Return the order as JSON, and the command that asks for its timeline."""
    path = f"trail/v1/orders/{quote(order_id, safe='')}/timeline"
    return {"json": _pretty(order_item(row, shown)), "curl": curl(request, path)}


def curl(request: Request, path: str, **query: Any) -> str:
    """Return a command that gets something from the native interface."""
    address = f"{public_url_or_host(request)}/{path}{'?' + urlencode(query) if query else ''}"
    return f"curl -sS -H \"Authorization: Bearer $TOKEN\" '{address}'"


def _pretty(value: Any) -> str:
    return to_json(value, indent=2).decode()


@router.get("/{order_id}/events/{position}")
async def get_event(
    request: Request, order_id: OrderName, position: Place, visitor: VisitorDep, services: ServicesDep
) -> Response:
    """Show one thing that happened to an order: the raw event, and its place in the ledger."""
    authorise(visitor, "read:orders")
    tenant = visitor.tenant.name
    await read(services, visitor, "timeline", cursor=position)
    wanted = TimelineFilter(order="desc")
    found = await services.queries.views.timeline(tenant, order_id, wanted, cursor=position + 1, limit=1)
    if not found or found[0].event.position != position:
        raise EventNotFound(f"{position} of order {order_id}")
    entry = found[0]
    shown = shown_event(entry.event, kind=entry.kind, group=entry.group)
    is_own = entry.event.stream == order_stream(order_id)
    return page(
        request,
        "event.html",
        visitor=visitor,
        order_id=order_id,
        entry=shown,
        is_own=is_own,
        raw=_pretty(timeline_item(entry)),
        curl=curl(request, "trail/v1/feed", after=position - 1, limit=1),
    )
