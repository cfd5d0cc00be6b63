"""Dintero's order events: services report them, and the list also holds all actions through an API."""

from operator import attrgetter
from typing import Any

from fastapi import APIRouter

from api.dialects.dintero.errors import RESPONSES
from api.dialects.dintero.mapping import api_event, report_of, status_event, status_event_of, unreadable_event
from api.dialects.dintero.models import AccountId, DinteroError, NewOrderEvent, OrderEvents, OrderId, OrderStatusEvent
from api.dialects.dintero.security import CallerDep
from api.http.hot import hot
from api.http.parts import answer, document, rendered
from api.http.requests import Json, KeyDep, ServicesDep, StrictRoute, read, written
from api.http.standby import may_read_standby
from api.services import Services
from application.access.callers import authorise
from application.ledger.outcome import first_told
from application.ledger.port import RecordedEvent
from application.privacy.legible import legibly
from application.views.projections.service_events import ServiceEventRow
from application.views.queries import TimelineFilter
from domain.values import TenantName

LATEST = 100
"""How many events a list holds. Dintero calls them the latest, and its other lists have at most 100.

If actions push a report out of these, it is still listed if it is among the newest 100 reports.
"""

router = APIRouter(prefix="/v1/accounts", tags=["Dintero"], route_class=StrictRoute, responses=RESPONSES)


@router.post(
    "/{aid}/shopping/orders/{order_id}/events",
    response_model=OrderStatusEvent,
    response_model_exclude_none=True,
    responses={
        404: {"model": DinteroError, "description": "No such order"},
        409: {"model": DinteroError, "description": "The id is another event's"},
        422: {"model": DinteroError, "description": "The Idempotency-Key was used with another request"},
    },
    summary="Create an order event",
)
@hot
async def create_order_event(
    aid: AccountId, order_id: OrderId, body: NewOrderEvent, caller: CallerDep, services: ServicesDep, key: KeyDep
) -> Json:
    """Record a service's report on an order."""
    authorise(caller, f"write:shopping:/orders/{order_id}/events", account=aid)
    event = report_of(order_id, body, caller.actor)
    result = await services.orders.record(caller.tenant, order_id, [event], key=key)
    if result.is_replayed:
        event = await first_told(services.store, caller.tenant.name, event, result)
    told = status_event(event, result.recorded_at, result.events[-1].version)
    return Json(told, headers=written(result))


@router.get(
    "/{aid}/shopping/orders/{order_id}/events",
    response_model=OrderEvents,
    responses={404: {"model": DinteroError, "description": "No such order"}},
    summary="Order events collection",
)
@may_read_standby()
async def list_order_events(aid: AccountId, order_id: OrderId, caller: CallerDep, services: ServicesDep) -> Json:
    """Return the newest events of an order, and the combined state of all services' reports."""
    authorise(caller, f"read:shopping:/orders/{order_id}/events", account=aid)
    headers = await read(services, caller, "service_events", "timeline", "order_state")
    order = await services.queries.find_order(caller.tenant.name, order_id)
    tenant = caller.tenant.name
    latest = await _latest(services, tenant, order.order_id)
    events = await rendered(latest, legibly(tenant, _event, instead=_unreadable))
    return answer(document("events", events, state=order.state), headers=headers)


async def _latest(services: Services, tenant: TenantName, order_id: str) -> list[ServiceEventRow | RecordedEvent]:
    """Return services' reports and actions on an order, newest first.

    The combined state is made of the reports, so no action pushes a report out.
    """
    views = services.queries.views
    reports = await views.service_events(tenant, order_id, limit=LATEST)
    wanted = TimelineFilter(kind="action", order="desc")
    actions = await views.timeline(tenant, order_id, wanted, cursor=None, limit=LATEST)
    both: list[ServiceEventRow | RecordedEvent] = [*reports, *(entry.event for entry in actions)]
    newest_first = sorted(both, key=attrgetter("position"), reverse=True)
    # Below the oldest listed report, actions are left out: among them there could be reports that are not listed.
    end = reports[-1].position if reports.has_more else 0
    return [
        event
        for place, event in enumerate(newest_first)
        if isinstance(event, ServiceEventRow) or (place < LATEST and event.position >= end)
    ]


def _event(event: ServiceEventRow | RecordedEvent) -> dict[str, Any]:
    return api_event(event) if isinstance(event, RecordedEvent) else status_event_of(event)


def _unreadable(event: ServiceEventRow | RecordedEvent) -> dict[str, Any] | None:
    return unreadable_event(event) if isinstance(event, RecordedEvent) else None
