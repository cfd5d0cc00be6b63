"""A whole ledger in the native interface: its head. What is in it, feed.py shows."""

from fastapi import APIRouter
from pydantic import BaseModel

from api.http.requests import Json, NativeRoute, ServicesDep
from api.native.errors import RESPONSES
from api.native.security import CallerDep
from application.access.callers import authorise


class Ledger(BaseModel):
    """A tenant's ledger; head is the position of its newest event."""

    tenant: str
    head: int


router = APIRouter(prefix="/trail/v1", tags=["Native"], route_class=NativeRoute, responses=RESPONSES)


@router.get("/ledger", response_model=Ledger, summary="Get the ledger's head")
async def get_ledger(caller: CallerDep, services: ServicesDep) -> Json:
    """Return the ledger's head."""
    authorise(caller, "read:ledger")
    head = await services.store.head(caller.tenant.name)
    return Json({"tenant": caller.tenant.name, "head": head}, headers={"Ordertrail-Position": str(head)})
