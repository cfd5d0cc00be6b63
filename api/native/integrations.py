"""Native integrations: register, recover, read."""

from datetime import datetime
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
)
from pydantic_core import from_json

from api.http.conditions import IfMatchDep
from api.http.parts import answer, document
from api.http.problems import Fault, InvalidRequest, PreconditionFailed
from api.http.reading.faults import few
from api.http.reading.json_text import to_json
from api.http.reading.query import Digits
from api.http.requests import Json, KeyDep, NativeRoute, ServicesDep, read, written
from api.http.standby import may_read_standby
from api.native.conditions import on_condition
from api.native.errors import RESPONSES
from api.native.events import event_of
from api.native.models import Cursor, NewEventBody, Strict, Unreadable
from api.native.pages import position_of
from api.native.proofs import IntegrationRecordedWithReceipt
from api.native.receipts import Prefer, receipt
from api.native.render import exception_item
from api.native.security import CallerDep
from api.services import Services
from application.access.callers import Caller, authorise
from application.ledger.outcome import Recorded
from application.views.integration_queries import ExceptionFilter
from domain.errors import IntegrationNotFound
from domain.events.integration import Recovered, Registered
from domain.streams import integration_stream
from domain.values import MAX_BIGINT, Actor, Name, Sentence, storable_json


class NewIntegration(BaseModel):
    """An integration; members of your own are kept as its details."""

    model_config = ConfigDict(
        extra="allow", json_schema_extra={"examples": [{"shop_name": "Books", "shop_url": "https://books.example"}]}
    )
    __pydantic_extra__: dict[str, Any]
    shop_name: Name | None = None
    shop_url: Sentence | None = None

    def require_storable(self) -> None:
        """Raise InvalidRequest for additional members that cannot be stored."""
        faults: list[Fault] = []
        for name, value in self.__pydantic_extra__.items():
            try:
                storable_json({name: value})
            except ValueError as error:
                faults.append(Fault(("body", name), str(error), "value_error"))
        if faults:
            raise InvalidRequest(*few(faults, "body"))


class NewIntegrationEvent(NewEventBody):
    """An event of an integration: integration.recovered."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"type": "integration.recovered", "data": {"description": "The certificate was renewed"}}]
        }
    )


class ExceptionQuery(Strict):
    """Which part of an integration's failed calls to list."""

    cursor: Cursor = None
    limit: Digits = Field(25, ge=1, le=100)


class IntegrationBody(BaseModel):
    """An integration. started_failing_at is when the first of its calls failed since it last recovered."""

    integration_id: int
    version: int
    shop_name: str | None
    shop_url: str | None
    details: dict[str, Any]
    started_failing_at: datetime | None
    created_at: datetime
    updated_at: datetime


class ExceptionItem(BaseModel):
    """A failed call; hint says how to mend it, and is null if we do not know."""

    position: int
    version: int
    kind: str
    type: str
    event_id: str
    occurred_at: datetime
    recorded_at: datetime
    actor: Actor
    correlation_id: str | None
    causation_id: str | None
    data: dict[str, Any] | None = Field(description="Null if it cannot be read: then unreadable says why.")
    hint: str | None
    unreadable: Unreadable = None


class ExceptionList(BaseModel):
    """Failed calls of an integration, the newest first."""

    items: list[ExceptionItem]
    next: str | None = Field(description="The cursor of the next page; null on the last.")


router = APIRouter(prefix="/trail/v1/integrations", tags=["Native"], route_class=NativeRoute, responses=RESPONSES)

IntegrationId = Annotated[Digits, Path(ge=1, le=MAX_BIGINT, examples=[123])]


@router.put("/{integration_id}", response_model=IntegrationRecordedWithReceipt, summary="Register an integration")
async def register_integration(
    integration_id: IntegrationId,
    body: NewIntegration,
    caller: CallerDep,
    services: ServicesDep,
    key: KeyDep,
    if_match: IfMatchDep,
    prefer: Prefer = None,
) -> Json:
    """Register an integration, or describe it again."""
    authorise(caller, "write:integrations")
    body.require_storable()
    event = Registered(
        originator_id=integration_stream(integration_id),
        actor=caller.actor,
        shop_name=body.shop_name,
        shop_url=body.shop_url,
        details=body.__pydantic_extra__,
    )
    register = partial(services.integrations.register, caller.tenant, event, key=key)
    try:
        result = await on_condition(if_match, lambda expected: register(expected=expected))
    except IntegrationNotFound as missing:  # it was to exist: If-Match: *
        raise PreconditionFailed(str(missing)) from missing
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
    if_match: IfMatchDep,
    prefer: Prefer = None,
) -> Json:
    """Record that an integration has recovered: its calls succeed again."""
    authorise(caller, "write:integrations")
    if body.type != Recovered.topic:
        raise InvalidRequest(
            Fault(
                ("body", "type"), f"is not {Recovered.topic}; use the paths of other types of events for those", "type"
            )
        )
    event = event_of(Recovered, integration_stream(integration_id), event=body, actor=caller.actor, where=("body",))
    recover = partial(services.integrations.recover, caller.tenant, event, key=key)
    result = await on_condition(if_match, lambda expected: recover(expected=expected))
    return await _recorded(services, caller, integration_id, result, prefer, status=201)


@router.get("/{integration_id}", response_model=IntegrationBody, summary="Get an integration")
@may_read_standby()
async def get_integration(integration_id: IntegrationId, caller: CallerDep, services: ServicesDep) -> Json:
    """Return an integration, and since when its calls fail. Its ETag is for If-Match."""
    authorise(caller, "read:integrations")
    headers = await read(services, caller, "integrations")
    row = await services.integration_queries.integration(caller.tenant.name, integration_id)
    headers["ETag"] = f'"{row.version}"'
    return answer([to_json({**row._asdict(), "details": from_json(row.details)})], headers=headers)


@router.get("/{integration_id}/logs", response_model=ExceptionList, summary="List an integration's failed calls")
@may_read_standby()
async def list_exceptions(
    integration_id: IntegrationId, query: Annotated[ExceptionQuery, Query()], caller: CallerDep, services: ServicesDep
) -> Json:
    """List the failed calls, newest first, each with a hint on how to mend it, if we know one."""
    authorise(caller, "read:integrations")
    tenant, cursor = caller.tenant.name, position_of(query.cursor)
    headers = await read(services, caller, "integration_log", "integrations", cursor=cursor)
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
    return answer(
        [to_json({**body, **proof})],
        status_code=status,
        headers={**written(result), "ETag": f'"{ref.version}"', **headers},
    )
