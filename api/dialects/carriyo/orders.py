"""Carriyo's other operations on orders: list the actions on one, and erase the data about its customer."""

from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Query

from api.dialects.carriyo.errors import CarriyoError
from api.dialects.carriyo.mapping import change_log, order, unreadable_change_log
from api.dialects.carriyo.models import CarriyoOrder, ChangeLog
from api.dialects.carriyo.parameters import Reference, ReferenceKind, found, refusals
from api.dialects.carriyo.routes import JsonByDefaultRoute
from api.dialects.carriyo.security import CallerDep, TenantDep
from api.http.dialect import of_every_route
from api.http.parts import answer, array, rendered
from api.http.requests import Json, KeyDep, ServicesDep, read, written
from api.http.standby import may_read_standby
from application.access.callers import authorise
from application.ledger.codec import decode_as
from application.privacy.legible import legibly
from domain.events.order_event import OrderEvent

NEWEST = 1_000
"""How many changes a list holds, because the vendor's list has no pages."""

router = APIRouter(tags=["Carriyo"], route_class=JsonByDefaultRoute, responses=of_every_route(CarriyoError))


@router.get(
    "/orders/{reference}/change-logs",
    response_model=list[ChangeLog],
    responses=refusals(400, 401, 403, 404, 409),
    summary="List CarriyoOrder Change Logs",
)
@may_read_standby()
async def list_change_logs(
    reference: Reference,
    caller: CallerDep,
    tenant_id: TenantDep,
    services: ServicesDep,
    key: ReferenceKind = "order_id",
    sort_order: Annotated[Literal["ASC", "DESC"], Query(description="By log_date")] = "ASC",
) -> Json:
    """List what people and programs did to an order: the newest 1,000, sorted by time, oldest first by default."""
    authorise(caller, "read:orders", tenant=tenant_id)
    headers = await read(services, caller, "timeline", "order_state")
    tenant = caller.tenant.name
    order_id = await found(services, caller, reference, key)
    changes = await services.queries.views.newest_actions(tenant, order_id, limit=NEWEST)
    # Sort by the shown time. If an event's own time is unusable, its time of recording is shown.
    changes.sort(key=lambda change: (change.occurred_at, change.position), reverse=sort_order == "DESC")
    show = legibly(
        tenant,
        lambda event: change_log(tenant, event.position, decode_as(OrderEvent, event)),
        instead=partial(unreadable_change_log, tenant),
    )
    return answer(array(await rendered(changes, show)), headers=headers)


@router.post(
    "/orders/{reference}/redact",
    response_model=CarriyoOrder,
    responses=refusals(400, 401, 403, 404, 422),
    summary="Redact CarriyoOrder",
)
async def redact_order(
    reference: Reference,
    caller: CallerDep,
    tenant_id: TenantDep,
    services: ServicesDep,
    idempotency_key: KeyDep,
    key: ReferenceKind = "order_id",
) -> Json:
    """Erase the order's data about its customer, for good. Doing it again does no harm."""
    authorise(caller, "write:orders", tenant=tenant_id)
    await read(services, caller, "order_state")
    order_id = await found(services, caller, reference, key)
    result = await services.orders.redact(caller.tenant, order_id, key=idempotency_key, actor=caller.actor)
    headers = await read(services, caller, "order_state")
    state = await services.queries.order(caller.tenant.name, order_id)
    return Json(order(caller.tenant.name, order_id, state), headers={**headers, **(written(result) if result else {})})
