"""SHOPLINE's dialect: orders, their action logs, and information about a token."""

from collections.abc import Awaitable

from fastapi import APIRouter, Request

from api.dialects.shopline import models, operations
from api.dialects.shopline.errors import render, responses
from api.dialects.shopline.history import order_now
from api.dialects.shopline.log_page import render_action_log
from api.dialects.shopline.operations import OrderId
from api.dialects.shopline.security import CallerDep
from api.http.dialect import Dialect
from api.http.hot import hot
from api.http.pages import Rendered, RenderedEntries, page_of_order
from api.http.parts import answer
from api.http.reading.json_text import to_json
from api.http.requests import Json, ServicesDep, StrictRoute, read
from api.http.standby import may_read_standby
from application.access.callers import authorise

router = APIRouter(tags=["SHOPLINE"], route_class=StrictRoute)


@router.get(
    "/v1/orders/{id}/action_logs",
    response_model=models.ActionLogs,
    responses=responses(401, 403, 422, 429),
    summary="Get Action Logs",
)
@hot
@may_read_standby()
async def get_action_logs(request: Request, order_id: OrderId, caller: CallerDep, services: ServicesDep) -> Json:
    """Return the newest 100 actions on an order, newest first by created_at; none if there is no such order."""
    authorise(caller, "read:orders")
    tenant = caller.tenant.name

    def render(kept: RenderedEntries) -> Awaitable[Rendered]:
        return render_action_log(services, tenant, order_id, kept)

    return await page_of_order(request, services, caller, order_id, ("action_log", "order_state"), render=render)


@router.get(
    "/v1/orders/{id}",
    response_model=models.ShoplineOrder,
    responses=responses(401, 403, 404, 410, 422, 429),
    summary="Get Order",
)
@may_read_standby()
async def get_order(order_id: OrderId, caller: CallerDep, services: ServicesDep) -> Json:
    """Return an order, as far as its recorded events tell; 410 if it is archived."""
    authorise(caller, "read:orders")
    headers = await read(services, caller, "timeline", "order_state")
    found = await services.queries.find_order(caller.tenant.name, order_id)
    order = await order_now(services, caller.tenant, found.order_id)
    order.require_present()
    return answer([to_json(order.render())], headers=headers)


@router.get("/v1/token/info", response_model=models.TokenInfo, responses=responses(401, 429), summary="Get Token Info")
async def get_token_info(caller: CallerDep) -> Json:
    """Return the owner of the token."""
    authorise(caller, None)
    tenant, performer = caller.tenant.name, caller.performer
    staff = performer and {"_id": performer.id, "name": performer.name, "email": None, "merchant_ids": [tenant]}
    return Json({"staff": staff, "merchant": {"_id": tenant, "handle": tenant}})


DIALECT = Dialect(("/v1/orders", "/v1/token"), (router, operations.router), render)
