"""Retention in the native interface: how long the bodies of calls are kept."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from api.http.conditions import IfMatchDep
from api.http.problems import PreconditionFailed
from api.http.requests import Json, NativeRoute, ServicesDep
from api.native.errors import RESPONSES
from api.native.models import Strict
from api.native.security import CallerDep
from application.access.callers import authorise
from application.bodies.retention import Kept
from domain.values import Whole

MAX_DAYS = 36_500

router = APIRouter(prefix="/trail/v1/retention", tags=["Native"], route_class=NativeRoute, responses=RESPONSES)


class NewRetention(Strict):
    """The number of days for which the bodies of calls are kept from now on; null: for ever."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"bodies_days": 90}]})

    bodies_days: Annotated[Whole, Field(ge=0, le=MAX_DAYS)] | None


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
    return _shown(await services.retention.find(caller.tenant.name))


@router.put("", response_model=Retention, summary="Set how long bodies are kept")
async def put_retention(body: NewRetention, caller: CallerDep, services: ServicesDep, if_match: IfMatchDep) -> Json:
    """Keep what is said in calls for so many days, counted from its recording. What is older is deleted for good."""
    authorise(caller, "admin:ledger")
    tenant = caller.tenant.name
    period = None if body.bodies_days is None else timedelta(body.bodies_days)
    if if_match is None or if_match.is_any:
        await services.retention.keep(tenant, period)
    else:
        known = await services.retention.find(tenant)
        if _tag(known) not in if_match.tags or not await services.retention.keep_instead(tenant, known, period):
            raise PreconditionFailed("The setting changed, or more bodies expired, after you read it; read it again")
    return _shown(await services.retention.find(tenant))


def _shown(kept: Kept) -> Json:
    body = {"bodies_days": None if kept.period is None else kept.period.days, "expired_position": kept.expired}
    return Json(body, headers={"ETag": f'"{_tag(kept)}"'})


def _tag(kept: Kept) -> str:
    return f"{'ever' if kept.period is None else kept.period.days}-{kept.expired}"
