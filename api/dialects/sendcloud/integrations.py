"""Sendcloud's integrations, for reading."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from api.dialects.sendcloud.errors import Errors
from api.dialects.sendcloud.mapping import in_order, integration
from api.dialects.sendcloud.models import IntegrationAnswer, IntegrationList
from api.dialects.sendcloud.parameters import IntegrationId
from api.dialects.sendcloud.security import CallerDep
from api.http.dialect import of_every_route
from api.http.requests import Json, ServicesDep, StrictRoute, read
from api.http.standby import may_read_standby
from application.access.callers import authorise

router = APIRouter(
    prefix="/api/v3/integrations", tags=["Sendcloud"], route_class=StrictRoute, responses=of_every_route(Errors)
)

_REFUSED: dict[int | str, dict[str, Any]] = {
    400: {"model": Errors, "description": "Bad Request"},
    401: {"model": Errors, "description": "No valid credential"},
    403: {"model": Errors, "description": "The credential lacks the scope"},
    409: {"model": Errors, "description": "The position is beyond the newest event: the ledger was restored since"},
}
Sort = Annotated[
    str,
    Query(
        description="integration_type, created_at, updated_at, last_fetch or failing_since; descending with - before "
        "it. By default last_fetch and then created_at.",
        examples=["updated_at"],
    ),
]


@router.get("", response_model=IntegrationList, responses=_REFUSED, summary="Retrieve a list of integrations")
@may_read_standby()
async def list_integrations(caller: CallerDep, services: ServicesDep, sort: Sort = "") -> Json:
    """List all integrations of the credential's tenant."""
    authorise(caller, "read:integrations")
    headers = await read(services, caller, "integrations")
    rows = await services.integration_queries.integrations(caller.tenant.name)
    return Json({"data": in_order([integration(row) for row in rows], sort)}, headers=headers)


@router.get(
    "/{id}",
    response_model=IntegrationAnswer,
    responses={
        **_REFUSED,
        404: {"model": Errors, "description": "No such integration"},
    },
    summary="Retrieve an integration",
)
@may_read_standby()
async def get_integration(integration_id: IntegrationId, caller: CallerDep, services: ServicesDep) -> Json:
    """Return an integration, and since when its calls fail."""
    authorise(caller, "read:integrations")
    headers = await read(services, caller, "integrations")
    row = await services.integration_queries.integration(caller.tenant.name, integration_id)
    return Json({"data": integration(row)}, headers=headers)
