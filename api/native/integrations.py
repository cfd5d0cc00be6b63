"""Native integrations."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BeforeValidator, ValidationError

from api.native.errors import RESPONSES
from api.native.models import IntegrationRecorded, NewIntegration
from api.native.security import CallerDep
from api.problems import InvalidRequest, faults_of
from api.requests import Json, KeyDep, ServicesDep, StrictRoute, written
from application.access import authorise
from application.integrations import stream_of
from domain.events.integration import Registered
from domain.values import MAX_BIGINT

router = APIRouter(prefix="/trail/v1/integrations", route_class=StrictRoute, responses=RESPONSES)  # type: ignore[arg-type]

# Pydantic would also take 1.0 and 1_0.
_Digits = Annotated[int, BeforeValidator(lambda text: text if text.isascii() and text.isdigit() else "no number")]
IntegrationId = Annotated[_Digits, Path(ge=1, le=MAX_BIGINT, examples=[123])]


@router.put("/{integration_id}", response_model=IntegrationRecorded, summary="Register an integration")
async def register_integration(
    integration_id: IntegrationId,
    body: NewIntegration,
    caller: CallerDep,
    services: ServicesDep,
    key: KeyDep,
) -> Json:
    """Make an integration known, or describe it anew."""
    authorise(caller, "write:integrations")
    try:
        event = Registered(
            originator_id=stream_of(integration_id),
            actor=caller.actor,
            shop_name=body.shop_name,
            shop_url=body.shop_url,
            details=body.__pydantic_extra__,
        )
    except ValidationError as invalid:
        raise InvalidRequest(*faults_of(invalid.errors(), "body")) from invalid
    result = await services.integrations.register(caller.tenant, event, key=key)
    ref = result.events[-1]
    return Json(
        {"integration_id": integration_id, "version": ref.version, "position": ref.position}, headers=written(result)
    )
