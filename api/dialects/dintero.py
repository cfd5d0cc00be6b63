"""Dintero's dialect: tokens, and the events that services report on an order."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import uuid4

from fastapi import APIRouter, Depends, Path, Request, Response, Security
from fastapi.security import HTTPBearer
from fastapi.security.http import HTTPBase
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import from_json

from api.dialect import Dialect
from api.problems import Kind, Problem, dotted
from api.requests import Json, KeyDep, ServicesDep, StrictRoute, read, written
from api.security import basic, bearer
from application.access import Caller, Tenant, authorise
from application.projections.service_events import ServiceEventRow
from application.recorded import first_told
from domain.events.records import ServiceEventRecorded, ServiceState
from domain.order import stream_of
from domain.order_state import CombinedState
from domain.values import Identifier, JsonObject, Name, Sentence

LATEST = 100
"""How many events a list holds: Dintero calls them the latest, and its lists have at most 100 elsewhere."""
TOKEN_SECONDS = 86_400

# For the documentation. FastAPI's own HTTPBasic would refuse what is not base64 before we can.
_CLIENT = HTTPBase(
    scheme="basic", auto_error=False, scheme_name="DinteroClient", description="The key id and its secret"
)
_TOKEN = HTTPBearer(
    auto_error=False, scheme_name="DinteroToken", description="The access_token of Get Token, or ot_<key_id>_<secret>"
)

AccountId = Annotated[
    str,
    StringConstraints(pattern=r"^[PT][0-9]{8}$"),
    Path(description="An id that uniquely identifies the account.", examples=["T12345678"]),
]
OwnerId = Annotated[
    str,
    # Dintero's ^[PT]{1}(?=(?:.{3}|.{8})$)[0-9]*$ without the look-ahead.
    StringConstraints(pattern=r"^[PT]([0-9]{3}|[0-9]{8})$"),
    Path(description="An id that uniquely identifies the account or owner (partner).", examples=["T12345678"]),
]
OrderId = Annotated[Identifier, Path(description="The resource identifier string", examples=["A-1001"])]
# Clients that change their host may change it here as well, so any host will do.
Audience = Annotated[
    str, StringConstraints(max_length=2_000, pattern=r"^https?://[^/?#\s\x00]+/v1/accounts/[PT][0-9]{8}/?$")
]


class TokenRequest(BaseModel):
    """What a token is asked for."""

    grant_type: Literal["client_credentials"] = "client_credentials"
    audience: Audience = Field(
        description="The unique identifier of the target API you want to access.",
        examples=["https://api.dintero.com/v1/accounts/T12345678"],
    )


class Token(BaseModel):
    """A token for the header Authorization; it is valid for expires_in seconds."""

    access_token: str = Field(description="A JWT access token", examples=["eyJhbGci...t7P4"])
    token_type: Literal["Bearer"]
    expires_in: int = Field(examples=[TOKEN_SECONDS])


_METADATA: dict[str, Any] = {
    "pickup_location": {"latitude": 37.42242, "longitude": -122.08585, "postal_code": "0342", "address": "Smallwei"}
}


class NewEvent(BaseModel):
    """What a service reports. Other members are ignored."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "state": "success",
                    "service": "kitchen",
                    "service_status": "ready_for_pickup",
                    "description": "food prepared",
                    "metadata": _METADATA,
                }
            ]
        }
    )
    state: ServiceState = Field(ServiceState.SUCCESS, description="The state of the event")
    service: Name = Field(description="The type of service used, used to differentiate this status from other services")
    service_status: Name = Field(description="The status reported by the service", examples=["ready_for_pickup"])
    description: Sentence | None = Field(
        None, description="A short description of the reason for the status", examples=["food prepared"]
    )
    metadata: JsonObject | None = Field(
        None, description="Additional service data related to the event", examples=[_METADATA]
    )


class OrderStatusEvent(NewEvent):
    """What a service reported."""

    id: str = Field(description="The resource ID.", examples=["bd04c959-d159-49b4-a096-2d84e014a8da"])
    created_at: datetime = Field(description="The date-time when the resource was created")
    created_by: str = Field(
        description="The ID of the user/client created the resource", examples=["5f0c1d2e3b4a59687786a5b4"]
    )


class OrderEvents(BaseModel):
    """The latest events of an order, the newest first, and the combined state of all of them."""

    events: list[OrderStatusEvent]
    state: CombinedState


class ErrorDetail(BaseModel):
    """What went wrong."""

    code: str = Field(examples=["NOT FOUND"])
    message: str
    errors: list[dict[str, Any]] = []


class Error(BaseModel):
    """What went wrong."""

    error: ErrorDetail


_CODES = {
    Kind.INVALID: "BAD REQUEST",
    Kind.UNAUTHENTICATED: "ACCESS FORBIDDEN",
    Kind.INTERNAL: "SERVER ERROR",
}


def render(problem: Problem) -> Response:
    """Render a problem as Dintero does: its codes are the names of its documented answers as words in upper case."""
    code = _CODES.get(problem.kind) or problem.kind.title.upper()
    errors = [{"field": dotted(fault.where), "message": fault.what, "type": fault.type} for fault in problem.faults]
    response = Json(
        {"error": {"code": code, "message": problem.detail, "errors": errors}},
        status_code=400 if problem.kind is Kind.INVALID else problem.status,
    )
    if problem.kind is Kind.UNAUTHENTICATED:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def status_event(event: ServiceEventRecorded, recorded_at: datetime) -> dict[str, Any]:
    """Return a service's report as Dintero has it; what was not reported is left out."""
    return _body(event.event_id, event.actor.id, event, recorded_at, event.metadata)


def status_event_of(row: ServiceEventRow) -> dict[str, Any]:
    """Return a row of the view service_events as Dintero has it."""
    metadata = None if row.metadata is None else from_json(row.metadata)
    return _body(row.event_id, row.created_by, row, row.recorded_at, metadata)


def _body(
    event_id: str,
    created_by: str,
    report: ServiceEventRecorded | ServiceEventRow,
    recorded_at: datetime,
    metadata: dict[str, Any] | None,
) -> dict[str, Any]:
    body = {
        "state": str(report.state),
        "service": report.service,
        "service_status": report.service_status,
        "id": event_id,
        "created_at": _instant(recorded_at),
        "created_by": created_by,
        "description": report.description,
        "metadata": metadata,
    }
    return {name: value for name, value in body.items() if value is not None}


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def audience_of(account: str) -> str:
    """Return the audience of an account's tokens, whatever host the client knows us by."""
    return f"https://api.dintero.com/v1/accounts/{account}"


def _tenants_audience(tenant: Tenant) -> str | None:
    return audience_of(tenant.dintero_account) if tenant.dintero_account else None


async def _client(request: Request, services: ServicesDep, _documented: Annotated[object, Security(_CLIENT)]) -> Caller:
    return await basic(services, request)


async def _caller(request: Request, services: ServicesDep, _documented: Annotated[object, Security(_TOKEN)]) -> Caller:
    return await bearer(services, request, audience=_tenants_audience)


CallerDep = Annotated[Caller, Depends(_caller)]

router = APIRouter(
    prefix="/v1/accounts",
    route_class=StrictRoute,
    responses={
        400: {"model": Error, "description": "Bad / invalid request"},
        401: {"model": Error, "description": "No valid credential"},
        403: {"model": Error, "description": "Another account, or the scope is lacking"},
        "4XX": {"model": Error, "description": "Other errors"},
    },
)


@router.post("/{oid}/auth/token", response_model=Token, summary="Get Token")
async def get_token(
    oid: OwnerId, body: TokenRequest, client: Annotated[Caller, Depends(_client)], services: ServicesDep
) -> Json:
    """Exchange a key id and its secret for a token with the scopes of the credential."""
    account = body.audience.rstrip("/")[-9:]
    authorise(client, None, account=account)
    # A partner's id names no account, so there is nothing that it could widen.
    if len(oid) == len(account):
        authorise(client, None, account=oid)
    token = services.access.issue(client, seconds=TOKEN_SECONDS, audience=audience_of(account))
    answer = {"access_token": token, "token_type": "Bearer", "expires_in": TOKEN_SECONDS}
    return Json(answer, headers={"Cache-Control": "no-store"})


@router.post(
    "/{aid}/shopping/orders/{order_id}/events",
    response_model=OrderStatusEvent,
    response_model_exclude_none=True,
    responses={
        404: {"model": Error, "description": "No such order"},
        422: {"model": Error, "description": "The Idempotency-Key was used with another request"},
    },
    summary="Create an order event",
)
async def create_order_event(
    aid: AccountId, order_id: OrderId, body: NewEvent, caller: CallerDep, services: ServicesDep, key: KeyDep
) -> Json:
    """Record what a service reports on an order."""
    authorise(caller, f"write:shopping:/orders/{order_id}/events", account=aid)
    event = ServiceEventRecorded(
        originator_id=stream_of(order_id),
        event_id=str(uuid4()),
        actor=caller.actor,
        **body.model_dump(),
    )
    result = await services.orders.record(caller.tenant, order_id, [event], key=key)
    event = await first_told(services.store, caller.tenant.name, event, result)
    return Json(status_event(event, result.recorded_at), headers=written(result))


@router.get(
    "/{aid}/shopping/orders/{order_id}/events",
    response_model=OrderEvents,
    responses={404: {"model": Error, "description": "No such order"}},
    summary="Order events collection",
)
async def list_order_events(aid: AccountId, order_id: OrderId, caller: CallerDep, services: ServicesDep) -> Json:
    """Return the newest 100 events of an order and the combined state of all of its events."""
    authorise(caller, f"read:shopping:/orders/{order_id}/events", account=aid)
    headers = await read(services, caller, "service_events", "order_state")
    state = (await services.queries.order(caller.tenant.name, order_id)).combined_state
    rows = await services.queries.views.service_events(caller.tenant.name, order_id, limit=LATEST)
    return Json({"events": [status_event_of(row) for row in rows], "state": state}, headers=headers)


DIALECT = Dialect("Dintero", ("/v1/accounts",), router, render)
