"""Carriyo's dialect: its operation on system logs, and its tokens."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic_core import to_json

from api.dialect import Dialect
from api.dialects.carriyo import tokens
from api.dialects.carriyo.errors import Error, render
from api.dialects.carriyo.mapping import call_of, event_of, system_log
from api.dialects.carriyo.models import NewSystemLog, SystemLog
from api.dialects.carriyo.routes import JsonByDefaultRoute
from api.dialects.carriyo.security import CallerDep, TenantDep
from api.requests import Json, KeyDep, ServicesDep, written
from application.access import authorise
from application.recorded import first_told
from domain.values import Identifier

router = APIRouter(route_class=JsonByDefaultRoute)
router.include_router(tokens.router)


@router.post(
    "/orders/{reference}/system-logs",
    response_model=SystemLog,
    response_description="System log created.",
    responses={
        400: {"model": Error, "description": "Invalid request."},
        401: {"model": Error, "description": "The token is missing, expired, or not ours."},
        403: {"model": Error, "description": "The API key, the tenant or the scope is not the token's."},
        404: {"model": Error, "description": "Order not found."},
        422: {"model": Error, "description": "The Idempotency-Key was used with another request."},
    },
    summary="Add Order System Log",
)
async def add_system_log(
    reference: Annotated[Identifier, Path(description="The order, as key says", examples=["A-1001"])],
    body: NewSystemLog,
    caller: CallerDep,
    tenant_id: TenantDep,
    services: ServicesDep,
    idempotency_key: KeyDep,
    key: Annotated[Literal["order_id", "partner_order_reference"], Query(description="What reference is")] = "order_id",
) -> Json:
    """Record an HTTP call about an order. The answer is the log without what was said in the call."""
    for name in (tenant_id, body.tenant):
        authorise(caller, "write:orders", tenant=name)
    tenant = caller.tenant
    by_id = key == "order_id"
    order_id: str = reference if by_id else await services.queries.order_id_of(tenant.name, reference)
    content = await services.contents.put(tenant.name, to_json(call_of(body), exclude_none=True))
    event = event_of(order_id, body, content, caller)
    result = await services.orders.record(tenant, order_id, [event], key=idempotency_key)
    event = await first_told(services.store, tenant.name, event, result)
    return Json(system_log(tenant.name, result.position, event), headers=written(result))


DIALECT = Dialect("Carriyo", ("/orders", "/oauth"), router, render)
