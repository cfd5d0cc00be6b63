"""An order's past in the native interface: what it was, and what changed."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.http.problems import Fault, InvalidRequest
from api.http.reading.query import Digits
from api.http.requests import Json, NativeRoute, ServicesDep
from api.http.standby import may_read_standby
from api.native.errors import RESPONSES
from api.native.models import OrderBody, OrderId, Strict
from api.native.render import field_change, past_order, unread_events
from api.native.security import CallerDep
from api.services import Services
from application.access.callers import authorise
from application.views.history import Clock
from domain.values import MAX_BIGINT, Actor, Moment, TenantName


class PastQuery(Strict):
    """The past of an order to return; its present state if there are no parameters."""

    version: Digits | None = Field(None, ge=0, le=MAX_BIGINT, description="As this version made it")
    at: Moment | None = Field(None, description="As the events made it that had been recorded by then")
    clock: Clock | None = Field(None, description="With `at`: `occurred` takes the events that had occurred by then")

    def is_past(self) -> bool:
        """Whether a past is asked for. Raises InvalidRequest if it is not clear which."""
        if self.version is not None and self.at is not None:
            raise InvalidRequest(Fault(("query", "at"), "cannot be given together with version", "ambiguous"))
        if self.clock is not None and self.at is None:
            raise InvalidRequest(Fault(("query", "clock"), "needs the parameter at, which is missing", "missing"))
        return self.version is not None or self.at is not None


class DiffQuery(Strict):
    """The two versions to compare."""

    from_: Digits = Field(0, alias="from", ge=0, le=MAX_BIGINT, description="0: before there was anything of the order")
    to: Digits | None = Field(None, ge=0, le=MAX_BIGINT, description="The newest, if it is left out")

    def require_order(self) -> None:
        """Raise InvalidRequest unless from comes before to."""
        if self.to is not None and self.to < self.from_:
            raise InvalidRequest(Fault(("query", "to"), "comes before from", "order"))


class MadeBy(BaseModel):
    """The event that made this so: its place in the ledger, its actor and its times."""

    version: int
    position: int
    event_id: str
    type: str
    actor: Actor
    occurred_at: datetime
    recorded_at: datetime


class UnreadEvent(BaseModel):
    """An event of the order that cannot be read as a whole, so that its changes are not known."""

    version: int
    position: int
    event_id: str
    type: str
    unreadable: str = Field(description="What cannot be read, and why")


UnreadEvents = Annotated[
    list[UnreadEvent] | None, Field(description="Of a past: only there if some of its events cannot be read.")
]


class OneOrder(OrderBody):
    """An order as it is now, or as it was."""

    as_of: MadeBy | None = Field(None, description="Of a past: the last event that it was made by and can be read.")
    unreadable_events: UnreadEvents = None


class FieldChange(MadeBy):
    """A field that differs, and the last event that changed it."""

    field: str = Field(description="A JSON pointer into the order", examples=["/totals/total/cents"])
    before: Any
    after: Any


class Diff(BaseModel):
    """What differs between two versions of an order."""

    order_id: str
    from_: int = Field(alias="from")
    to: int
    changes: list[FieldChange]
    unreadable_events: UnreadEvents = None


router = APIRouter(prefix="/trail/v1/orders", tags=["Native"], route_class=NativeRoute, responses=RESPONSES)


@router.get("/{order_id}/diff", response_model=Diff, summary="Compare two versions of an order")
@may_read_standby()
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
