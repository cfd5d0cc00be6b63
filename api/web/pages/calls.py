"""Calls: one with its waterfall, and a search over all of them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import quote

from fastapi import APIRouter, Request, Response

from api.http.requests import ServicesDep, read
from api.web.pages.asking import AskedDep, OrderName, Place, number, one_of, turned
from api.web.rendering import page
from api.web.route import PageRoute
from api.web.security import VisitorDep
from api.web.showing.call_view import carrier_call
from api.web.showing.calls import LIMITS, histogram
from api.web.showing.entries import ShownEntry, shown_event
from api.web.showing.wording import words
from application.access.callers import authorise
from application.ledger.port import RecordedEvent
from application.views.browsing import MAX_COUNTED, CallSearch
from application.views.projections.system_log import milliseconds_of
from domain.errors import EventNotFound
from domain.streams import order_id_of

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
    carrier: str | None
    purpose: str
    """What it was for, and in which direction it went, as far as that was told."""
    milliseconds: int | None


@router.get("/calls")
async def get_calls(request: Request, visitor: VisitorDep, services: ServicesDep, asked: AskedDep) -> Response:
    """Search the calls about all orders, newest first."""
    authorise(visitor, "read:orders")
    tenant, before, wanted = visitor.tenant.name, number(asked, "before"), _wanted(asked)
    await read(services, visitor, "system_log", cursor=before)
    found = await services.browsing.calls(tenant, wanted, before=before, limit=PAGE)
    return page(
        request,
        "calls.html",
        visitor=visitor,
        lines=[_line(event) for event in found],
        durations=histogram(await services.browsing.durations(tenant, wanted, LIMITS)),
        most_counted=MAX_COUNTED,
        carriers=await services.browsing.carriers(tenant),
        classes=CLASSES,
        slower=SLOWER,
        asked=asked,
        is_narrowed=wanted != CallSearch(),
        older=turned(asked, before=found[-1].position) if found.has_more else None,
        newest=turned(asked, before=None) if before is not None else None,
    )


def _wanted(asked: Mapping[str, str]) -> CallSearch:
    chosen = one_of(asked, "status", CLASSES)
    wanted = chosen[1] if chosen else CallSearch()
    one_of(asked, "slower", SLOWER)
    return wanted._replace(
        order_id=asked.get("order"),
        correlation_id=asked.get("correlation"),
        carrier_id=asked.get("carrier"),
        least_milliseconds=number(asked, "slower"),
    )


def _line(event: RecordedEvent) -> CallLine:
    entry = shown_event(event)
    fields = entry.data or {}
    told = (words(str(fields.get("request_type") or "").lower()), fields.get("direction"))
    return CallLine(
        order_id=order_id_of(event.stream),
        entry=entry,
        carrier=fields.get("carrier_id"),
        purpose=" · ".join(filter(None, told)),
        milliseconds=milliseconds_of(fields),
    )


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
