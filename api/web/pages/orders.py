"""The list of orders."""

from collections.abc import Mapping
from typing import NamedTuple

from fastapi import APIRouter, Request, Response

from api.http.requests import ServicesDep, read
from api.web.pages.asking import PERIODS, AskedDep, number, one_of, since, turned
from api.web.rendering import page
from api.web.route import PageRoute
from api.web.security import VisitorDep
from api.web.showing.wording import look_of, words
from application.access.callers import authorise
from application.views.browsing import Newest
from application.views.order_rows import ShownOrder, shown_order
from application.views.projections.order_state import OrderStateRow
from application.views.queries import OrderFilter
from domain.events.delivery import DeliveryStatusUpdated
from domain.events.lifecycle import StatusUpdated
from domain.events.payment import PaymentStatusUpdated
from domain.events.records import ServiceEventRecorded
from domain.order_state import OrderState

PAGE = 25
_BECAME = {
    StatusUpdated.topic: "status",
    PaymentStatusUpdated.topic: "payment_status",
    DeliveryStatusUpdated.topic: "delivery_status",
}
"""The field of an order that says what a type of event has made of it."""
STATES = {"failure": "Failed", "pending": "Pending", "success": "Succeeded"}

router = APIRouter(prefix="/ui", route_class=PageRoute, include_in_schema=False)


class OrderLine(NamedTuple):
    """An order in the list, and the newest that happened to it."""

    row: OrderStateRow
    shown: ShownOrder
    newest: Newest | None
    icon: str = ""
    told: str = ""
    """What that was, in words."""


@router.get("/orders")
async def get_orders(request: Request, visitor: VisitorDep, services: ServicesDep, asked: AskedDep) -> Response:
    """List orders, the newest first."""
    authorise(visitor, "read:orders")
    tenant, before = visitor.tenant.name, number(asked, "before")
    await read(services, visitor, "order_state", "timeline", cursor=before)
    rows = await services.queries.views.orders(tenant, _wanted(asked), before=before, limit=PAGE)
    newest = await services.browsing.newest(tenant, [row.order_id for row in rows])
    return page(
        request,
        "orders.html",
        visitor=visitor,
        lines=[_line(row, newest.get(row.order_id)) for row in rows],
        asked=asked,
        periods=PERIODS,
        states=STATES,
        is_narrowed=bool(asked.keys() & {"q", "state", "status", "since", "service"}),
        older=turned(asked, before=rows[-1].first_position) if rows.has_more else None,
        newest=turned(asked, before=None) if before is not None else None,
        turned=turned,
    )


def _wanted(asked: Mapping[str, str]) -> OrderFilter:
    one_of(asked, "state", STATES)
    return OrderFilter(
        state=asked.get("state"),
        status=asked.get("status"),
        updated_from=since(asked),
        text=asked.get("q"),
        service=asked.get("service"),
    )


def _line(row: OrderStateRow, newest: Newest | None) -> OrderLine:
    shown = shown_order(row)
    if newest is None:
        return OrderLine(row, shown, None)
    return OrderLine(row, shown, newest, look_of(newest.type).icon, _told(newest, shown.state))


def _told(newest: Newest, order: OrderState) -> str:
    """Return what happened last, with what has become of it as far as the order's state says."""
    if newest.type == ServiceEventRecorded.topic:
        for name, report in order.services.items():
            if report.occurred_at == newest.occurred_at:
                return f"{words(name)}: {words(report.status)}"
    title = look_of(newest.type).title
    became = getattr(order, _BECAME.get(newest.type, ""), None)
    return f"{title}: {words(became)}" if became else title
