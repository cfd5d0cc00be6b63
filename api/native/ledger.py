"""A whole ledger in the native interface: its head, and its events as a feed."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.http.parts import answer, document, rendered
from api.http.reading.query import Digits
from api.http.requests import Json, NativeRoute, ServicesDep
from api.native.errors import RESPONSES
from api.native.models import Strict, Unreadable
from api.native.render import cloud_event
from api.native.security import CallerDep
from application.access.callers import authorise
from domain.errors import BeyondHead
from domain.values import MAX_BIGINT, Name


class FeedQuery(Strict):
    """Which part of the ledger to read."""

    after: Digits = Field(0, ge=0, le=MAX_BIGINT, description="`next` of the page before; 0 to begin")
    limit: Digits = Field(100, ge=1, le=1_000)
    type: list[Name] = Field([], max_length=50, description="Only these types of events")


class CloudEvent(BaseModel):
    """An event in the form of CloudEvents 1.0; data_base64 instead of data where the data is not JSON.

    An event whose data cannot be read has none, and the extension unreadable says why.
    """

    specversion: Literal["1.0"]
    id: str
    source: str
    subject: str
    type: str
    time: datetime
    datacontenttype: str | None = None
    data: Any = None
    data_base64: str | None = None
    position: int
    streamversion: int
    recordedtime: datetime
    traceparent: str | None = Field(
        None, description="The trace of the request that recorded it, if it was part of one"
    )
    unreadable: Unreadable = None


class Feed(BaseModel):
    """A part of the ledger; next is the position to go on from."""

    items: list[CloudEvent]
    next: int


class Ledger(BaseModel):
    """A tenant's ledger; head is the position of its newest event."""

    tenant: str
    head: int


router = APIRouter(prefix="/trail/v1", tags=["Native"], route_class=NativeRoute, responses=RESPONSES)


@router.get("/feed", response_model=Feed, summary="Read the ledger")
async def get_feed(query: Annotated[FeedQuery, Query()], caller: CallerDep, services: ServicesDep) -> Json:
    """Return events after a position, in ledger order, as CloudEvents.

    Positions have no gaps and never change. A client that asks again with `next` misses nothing and sees nothing twice.
    A position beyond the head is a 409, which names the head: the ledger was restored from an earlier copy.
    """
    authorise(caller, "read:ledger")
    tenant = caller.tenant.name
    head = await services.store.head(tenant)
    if query.after > head:
        raise BeyondHead(query.after, head)
    read, types = services.store.read_ledger, tuple(query.type)
    events = await read(tenant, after=query.after, types=types, limit=query.limit)
    following = events[-1].position if events else query.after
    if types and not await read(tenant, after=following, upto=head, types=types, limit=1):
        # The search went further than the last event that it found.
        following = max(following, head)
    items = await rendered(events, lambda event: cloud_event(tenant, event))
    return answer(document("items", items, next=following), headers={"Ordertrail-Position": str(head)})


@router.get("/ledger", response_model=Ledger, summary="Get the ledger's head")
async def get_ledger(caller: CallerDep, services: ServicesDep) -> Json:
    """Return the ledger's head."""
    authorise(caller, "read:ledger")
    head = await services.store.head(caller.tenant.name)
    return Json({"tenant": caller.tenant.name, "head": head}, headers={"Ordertrail-Position": str(head)})
