"""Calls: one with its waterfall, and a search over all of them."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from fastapi import APIRouter, Request, Response

from api.http.requests import ServicesDep, read
from api.web.pages.asking import AskedDep, OrderName, Place, number, one_of, turned
from api.web.rendering import page
from api.web.route import PageRoute
from api.web.security import VisitorDep
from api.web.showing.call_view import carrier_call
from api.web.showing.calls import histogram, milliseconds_of
from api.web.showing.entries import ShownEntry, shown_event
from application.access.callers import authorise
from application.ledger.port import RecordedEvent
from application.views.browsing import CallSearch
from domain.errors import EventNotFound
from domain.streams import order_id_of

LOOK = 300
"""How many calls a page looks at: those that its histogram counts."""
PAGE = 50
CLASSES: dict[str, tuple[str, CallSearch]] = {
    "failed": ("Failed", CallSearch(is_failed=True)),
    "2xx": ("2xx", CallSearch(response_from=200, response_to=299)),
    "3xx": ("3xx", CallSearch(response_from=300, response_to=399)),
    "4xx": ("4xx", CallSearch(response_from=400, response_to=499)),
    "5xx": ("5xx", CallSearch(response_from=500, response_to=599)),
}
SLOWER = {"250": "¼ s", "1000": "1 s", "5000": "5 s", "30000": "30 s"}

router = APIRouter(prefix="/ui", route_class=PageRoute, include_in_schema=False)


class CallLine(NamedTuple):
    """A call in the list."""

    order_id: str
    entry: ShownEntry
    fields: Mapping[str, Any]
    milliseconds: float | None


@router.get("/calls")
async def get_calls(request: Request, visitor: VisitorDep, services: ServicesDep, asked: AskedDep) -> Response:
    """Search the calls about all orders, newest first."""
    authorise(visitor, "read:orders")
    tenant, before = visitor.tenant.name, number(asked, "before")
    one_of(asked, "slower", SLOWER)
    await read(services, visitor, "system_log", cursor=before)
    looked_at = await services.browsing.calls(tenant, _wanted(asked), before=before, limit=LOOK)
    lines = [_line(event) for event in looked_at]
    slow = [line for line in lines if _is_slow(line, asked)]
    shown = slow[:PAGE]
    has_more = looked_at.has_more or len(slow) > PAGE
    last = shown[-1].entry.position if len(slow) > PAGE else lines[-1].entry.position if lines else None
    return page(
        request,
        "calls.html",
        visitor=visitor,
        lines=shown,
        looked_at=len(lines),
        columns=histogram([(line.milliseconds, line.entry.tone == "bad") for line in slow]),
        carriers=await services.browsing.carriers(tenant),
        classes=CLASSES,
        slower=SLOWER,
        asked=asked,
        is_narrowed=bool(asked.keys() & {"status", "carrier", "correlation", "order", "slower"}),
        older=turned(asked, before=last) if has_more else None,
        newest=turned(asked, before=None) if before is not None else None,
    )


def _wanted(asked: Mapping[str, str]) -> CallSearch:
    chosen = one_of(asked, "status", CLASSES)
    wanted = chosen[1] if chosen else CallSearch()
    return wanted._replace(
        order_id=asked.get("order"), correlation_id=asked.get("correlation"), carrier_id=asked.get("carrier")
    )


def _line(event: RecordedEvent) -> CallLine:
    entry = shown_event(event)
    fields = entry.data or {}
    return CallLine(order_id_of(event.stream), entry, fields, milliseconds_of(fields))


def _is_slow(line: CallLine, asked: Mapping[str, str]) -> bool:
    least = asked.get("slower")
    return least is None or (line.milliseconds is not None and line.milliseconds >= int(least))


@router.get("/orders/{order_id}/calls/{position}")
async def get_call(
    request: Request, order_id: OrderName, position: Place, visitor: VisitorDep, services: ServicesDep
) -> Response:
    """Show a call about an order: request, response, and what it spent its time on."""
    authorise(visitor, "read:orders")
    found = await services.calls.read(visitor.tenant.name, order_id, position)
    if found is None:
        raise EventNotFound(f"{position} of order {order_id}")
    event, call = found
    return page(
        request,
        "call.html",
        visitor=visitor,
        call=carrier_call(event, call),
        back=_crumbs(order_id),
        occurred_at=event.timestamp,
        correlation_id=event.correlation_id,
        event_path=f"{_crumbs(order_id)[1][1]}/events/{position}",
    )


def _crumbs(order_id: str) -> Sequence[tuple[str, str]]:
    return [("Orders", "/ui/orders"), (order_id, f"/ui/orders/{quote(order_id, safe='')}")]
