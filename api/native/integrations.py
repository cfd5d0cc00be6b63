"""Native integrations: register, recover, read."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BeforeValidator, ValidationError
from pydantic_core import from_json, to_json

from api.http.faults import faults_in
from api.http.parts import answer, document
from api.http.problems import Fault, InvalidRequest
from api.http.requests import Json, KeyDep, ServicesDep, StrictRoute, read, written
from api.native.errors import RESPONSES
from api.native.events import event_of
from api.native.integration_models import ExceptionList, ExceptionQuery, IntegrationBody, NewIntegrationEvent
from api.native.models import NewIntegration
from api.native.pages import position_of
from api.native.proof_models import IntegrationRecordedWithReceipt
from api.native.receipts import Prefer, receipt
from api.native.render import exception_item
from api.native.security import CallerDep
from api.services import Services
from application.access.callers import Caller, authorise
from application.ledger.outcome import Recorded
from application.views.integration_queries import ExceptionFilter
from domain.events.integration import Recovered, Registered
from domain.streams import integration_stream
from domain.values import MAX_BIGINT

router = APIRouter(prefix="/trail/v1/integrations", tags=["Native"], route_class=StrictRoute, responses=RESPONSES)

# Pydantic would also accept 1.0 and 1_0.
_Digits = Annotated[int, BeforeValidator(lambda text: text if text.isascii() and text.isdigit() else "no number")]
IntegrationId = Annotated[_Digits, Path(ge=1, le=MAX_BIGINT, examples=[123])]


@router.put("/{integration_id}", response_model=IntegrationRecordedWithReceipt, summary="Register an integration")
async def register_integration(
    integration_id: IntegrationId,
    body: NewIntegration,
    caller: CallerDep,
    services: ServicesDep,
    key: KeyDep,
    prefer: Prefer = None,
) -> Json:
    """Register an integration, or describe it again."""
    authorise(caller, "write:integrations")
    try:
        event = Registered(
            originator_id=integration_stream(integration_id),
            actor=caller.actor,
            shop_name=body.shop_name,
            shop_url=body.shop_url,
            details=body.__pydantic_extra__,
        )
    except ValidationError as invalid:
        raise InvalidRequest(*faults_in(invalid, "body")) from invalid
    result = await services.integrations.register(caller.tenant, event, key=key)
    return await _recorded(services, caller, integration_id, result, prefer, status=200)


@router.post(
    "/{integration_id}/events",
    status_code=201,
    response_model=IntegrationRecordedWithReceipt,
    summary="Append an integration's event",
)
async def append_integration_event(
    integration_id: IntegrationId,
    body: NewIntegrationEvent,
    caller: CallerDep,
    services: ServicesDep,
    key: KeyDep,
    prefer: Prefer = None,
) -> Json:
    """Record that an integration has recovered: its calls succeed again."""
    authorise(caller, "write:integrations")
    if body.type != Recovered.topic:
        raise InvalidRequest(
            Fault(("body", "type"), f"is not {Recovered.topic}; others have paths of their own", "type")
        )
    event = event_of(Recovered, integration_stream(integration_id), event=body, actor=caller.actor, where=("body",))
    result = await services.integrations.recover(caller.tenant, event, key=key)
    return await _recorded(services, caller, integration_id, result, prefer, status=201)


@router.get("/{integration_id}", response_model=IntegrationBody, summary="Get an integration")
async def get_integration(integration_id: IntegrationId, caller: CallerDep, services: ServicesDep) -> Json:
    """Return an integration, and since when its calls fail."""
    authorise(caller, "read:integrations")
    headers = await read(services, caller, "integrations")
    row = await services.integration_queries.integration(caller.tenant.name, integration_id)
    return answer([to_json({**row._asdict(), "details": from_json(row.details)})], headers=headers)


@router.get("/{integration_id}/logs", response_model=ExceptionList, summary="List an integration's failed calls")
async def list_exceptions(
    integration_id: IntegrationId, query: Annotated[ExceptionQuery, Query()], caller: CallerDep, services: ServicesDep
) -> Json:
    """List the failed calls, newest first, each with a hint on how to mend it, if we know one."""
    authorise(caller, "read:integrations")
    headers = await read(services, caller, "integration_log", "integrations")
    tenant, cursor = caller.tenant.name, position_of(query.cursor)
    entries = await services.integration_queries.exceptions(
        tenant, ExceptionFilter(integration_id), cursor=cursor, limit=query.limit
    )
    following = str(entries[-1].recorded.position) if entries.has_more else None
    items = [to_json(exception_item(await services.integration_queries.whole(tenant, entry))) for entry in entries]
    return answer(document("items", items, next=following), headers=headers)


async def _recorded(
    services: Services, caller: Caller, integration_id: int, result: Recorded, prefer: str | None, *, status: int
) -> Json:
    ref = result.events[-1]
    body = {"integration_id": integration_id, "version": ref.version, "position": ref.position}
    proof, headers = await receipt(services, caller, result, prefer)
    return answer([to_json({**body, **proof})], status_code=status, headers={**written(result), **headers})
