"""The list of orders."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from fastapi import APIRouter, Request, Response

from api.http.requests import ServicesDep, read
from api.web.pages.asking import PERIODS, AskedDep, number, one_of, since, turned
from api.web.rendering import page
from api.web.route import PageRoute
from api.web.security import VisitorDep
from api.web.showing.wording import Appearance, look_of
from application.access.callers import authorise
from application.views.browsing import Newest
from application.views.order_rows import ShownOrder, shown_order
from application.views.projections.order_state import OrderStateRow
from application.views.queries import OrderFilter

PAGE = 25
STATES = {"failure": "Failed", "pending": "Pending", "success": "Succeeded"}

router = APIRouter(prefix="/ui", route_class=PageRoute, include_in_schema=False)


class OrderLine(NamedTuple):
    """An order in the list, and the newest that happened to it."""

    row: OrderStateRow
    shown: ShownOrder
    newest: Newest | None
    look: Appearance | None


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
        lines=_lines(rows, newest),
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


def _lines(rows: Sequence[OrderStateRow], newest: Mapping[str, Newest]) -> list[OrderLine]:
    lines = []
    for row in rows:
        last = newest.get(row.order_id)
        lines.append(OrderLine(row, shown_order(row), last, look_of(last.type) if last else None))
    return lines
