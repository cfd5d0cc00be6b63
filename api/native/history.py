"""An order's past in the native interface: what it was, and what changed."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.http.requests import Json, ServicesDep, StrictRoute
from api.native.errors import RESPONSES
from api.native.history_models import Diff, DiffQuery, PastQuery
from api.native.models import OrderId
from api.native.render import field_change, past_order, unread_events
from api.native.security import CallerDep
from api.services import Services
from application.access.callers import authorise
from domain.values import TenantName

router = APIRouter(prefix="/trail/v1/orders", tags=["Native"], route_class=StrictRoute, responses=RESPONSES)


@router.get("/{order_id}/diff", response_model=Diff, summary="Compare two versions of an order")
async def get_diff(
    order_id: OrderId, query: Annotated[DiffQuery, Query()], caller: CallerDep, services: ServicesDep
) -> Json:
    """Return the fields in which two versions of an order differ, each with the last event that changed it.

    Without parameters, it tells how each field of the order got its value.
    """
    authorise(caller, "read:orders")
    query.require_order()
    tenant = caller.tenant.name
    head = await services.store.head(tenant)
    order, changes = await services.time_travel.changes(tenant, order_id, after=query.from_, upto=query.to)
    body = {
        "order_id": order.order_id,
        "from": query.from_,
        "to": order.state.version,
        "changes": [field_change(change) for change in changes],
        **unread_events(order),
    }
    return Json(body, headers={"Ordertrail-Position": str(head)})


async def get_past(services: Services, tenant: TenantName, order_id: str, query: PastQuery) -> Json:
    """Return an order as it was."""
    head = await services.store.head(tenant)
    if query.at is not None:
        order = await services.time_travel.at(tenant, order_id, query.at, query.clock or "recorded")
    else:
        assert query.version is not None
        order = await services.time_travel.at_version(tenant, order_id, query.version)
    return Json(past_order(order), headers={"Ordertrail-Position": str(head)})
