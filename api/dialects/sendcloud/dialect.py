"""Sendcloud's dialect: its operation on exception logs."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Security
from fastapi.security.http import HTTPBase

from api.dialect import Dialect
from api.dialects.sendcloud.errors import Errors, render
from api.dialects.sendcloud.mapping import event_of, log
from api.dialects.sendcloud.models import LogCreated, NewLog
from api.requests import Json, KeyDep, ServicesDep, StrictRoute, written
from api.security import BEARER, basic, bearer
from application.access import Caller, authorise
from application.recorded import first_told
from domain.values import MAX_BIGINT

# For the documentation. FastAPI's own HTTPBasic would refuse what is not base64 before we can.
BASIC = HTTPBase(scheme="basic", scheme_name="SendcloudKeys", description="The key id and the secret", auto_error=False)


async def _caller(
    request: Request,
    services: ServicesDep,
    _basic: Annotated[object, Security(BASIC)],
    _bearer: Annotated[object, Security(BEARER)],
) -> Caller:
    """Return whose key or token it is: Basic is the vendor's main way, its OAuth2 tokens are the other."""
    scheme = request.headers.get("authorization", "").partition(" ")[0].lower()
    return await (bearer if scheme == "bearer" else basic)(services, request)


CallerDep = Annotated[Caller, Depends(_caller)]
IntegrationId = Annotated[int, Path(alias="id", ge=1, le=MAX_BIGINT, description="The id of the integration")]

router = APIRouter(prefix="/api/v3/integrations", route_class=StrictRoute)


@router.post(
    "/{id}/logs",
    status_code=201,
    response_model=LogCreated,
    response_description="Created",
    responses={
        400: {"model": Errors, "description": "Bad Request"},
        401: {"model": Errors, "description": "No valid credential"},
        403: {"model": Errors, "description": "The credential lacks the scope"},
        404: {"model": Errors, "description": "No such integration"},
        422: {"model": Errors, "description": "The Idempotency-Key was used with another request"},
    },
    summary="Create integration exception logs",
)
async def create_log(
    integration_id: IntegrationId, body: NewLog, caller: CallerDep, services: ServicesDep, key: KeyDep
) -> Json:
    """Record that a call to the shop's system failed."""
    authorise(caller, "write:integrations")
    event = event_of(integration_id, body, caller)
    result = await services.integrations.log(caller.tenant, event, key=key)
    event = await first_told(services.store, caller.tenant.name, event, result)
    return Json({"data": log(result.position, event)}, status_code=201, headers=written(result))


DIALECT = Dialect("Sendcloud", ("/api/v3",), router, render)
