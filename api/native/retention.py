"""Retention in the native interface: how long the bodies of calls are kept."""

from datetime import timedelta

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from api.http.requests import Json, ServicesDep, StrictRoute
from api.native.errors import RESPONSES
from api.native.models import Strict
from api.native.security import CallerDep
from application.access.callers import authorise
from application.bodies.retention import Kept

MAX_DAYS = 36_500

router = APIRouter(prefix="/trail/v1/retention", tags=["Native"], route_class=StrictRoute, responses=RESPONSES)


class NewRetention(Strict):
    """The number of days for which the bodies of calls are kept from now on; null: for ever."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"bodies_days": 90}]})

    bodies_days: int | None = Field(ge=0, le=MAX_DAYS, strict=True)


class Retention(BaseModel):
    """How long the bodies of calls are kept.

    The bodies of the calls in events up to a position have expired.
    """

    bodies_days: int | None
    expired_position: int


@router.get("", response_model=Retention, summary="Get how long bodies are kept")
async def get_retention(caller: CallerDep, services: ServicesDep) -> Json:
    """Return how long the bodies of calls are kept, and which have expired."""
    authorise(caller, "read:ledger")
    return _body(await services.retention.find(caller.tenant.name))


@router.put("", response_model=Retention, summary="Set how long bodies are kept")
async def put_retention(body: NewRetention, caller: CallerDep, services: ServicesDep) -> Json:
    """Keep the bodies of calls for so many days after their recording. Older bodies are deleted for good."""
    authorise(caller, "admin:ledger")
    days = body.bodies_days
    await services.retention.keep(caller.tenant.name, None if days is None else timedelta(days))
    return _body(await services.retention.find(caller.tenant.name))


def _body(kept: Kept) -> Json:
    return Json({"bodies_days": None if kept.period is None else kept.period.days, "expired_position": kept.expired})
