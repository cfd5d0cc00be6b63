"""A whole ledger in the native interface: its head, and its events as a feed."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.http.parts import answer, document, rendered
from api.http.requests import Json, ServicesDep, StrictRoute
from api.native.errors import RESPONSES
from api.native.models import Feed, FeedQuery, Ledger
from api.native.render import cloud_event
from api.native.security import CallerDep
from application.access.callers import authorise

router = APIRouter(prefix="/trail/v1", tags=["Native"], route_class=StrictRoute, responses=RESPONSES)


@router.get("/feed", response_model=Feed, summary="Read the ledger")
async def get_feed(query: Annotated[FeedQuery, Query()], caller: CallerDep, services: ServicesDep) -> Json:
    """Return events after a position, in ledger order, as CloudEvents.

    Positions have no gaps and never change. If you continue with `next`, you miss no event and get none twice.
    """
    authorise(caller, "read:ledger")
    tenant = caller.tenant.name
    head = await services.store.head(tenant)
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
