"""Members of consumers in the native interface: they fetch events, and say what is done."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.http.parts import answer, document, rendered
from api.http.problems import Fault, InvalidRequest
from api.http.requests import Json, NativeRoute, ServicesDep
from api.http.security import bearer
from api.native.errors import RESPONSES
from api.native.following.consumer_models import ConsumerName, StreamName
from api.native.following.feed import CloudEvent
from api.native.models import Strict
from api.native.render import cloud_event
from api.native.security import CallerDep
from api.services import Services
from application.access.callers import CACHE_SECONDS, Caller, authorise
from application.delivery.consumers import PARTITIONS, Acknowledged, Delivery, Handed, RefusedEvent
from domain.values import Identifier, Sentence, Whole

TAKE_PART = "write:consumers"
"""The scope of members, which need read:ledger too."""
MAX_SAID = 1_000
MAX_WAIT_SECONDS = 20
"""Load balancers and clients mostly wait 30 seconds or more."""
MAX_DELAY_SECONDS = 7 * 24 * 3_600

MemberName = Annotated[Identifier, Field(examples=["billing-1-7f3a"])]
_Position = Annotated[Whole, Field(ge=1)]


class _OfPartition(Strict):
    partition: Annotated[Whole, Field(ge=0, lt=PARTITIONS)]
    token: Annotated[Whole, Field(ge=0, description="As the event came with it")]
    position: _Position


class AcknowledgedBody(_OfPartition):
    """Everything up to this position is done: of the partition, or of the subject alone if the event came as held."""

    subject: StreamName | None = Field(None, description="Of an event that came with held, its subject")

    def said(self) -> Acknowledged:
        return Acknowledged(self.partition, self.token, self.position, self.subject)


class RefusedBody(_OfPartition):
    """This event could not be handled. Those of its order before it are done, and those after it wait for it."""

    delay_seconds: float = Field(
        30,
        ge=0,
        le=MAX_DELAY_SECONDS,
        strict=True,
        allow_inf_nan=False,
        description="It is not handed out again before that.",
    )
    reason: Sentence = Field("", description="What went wrong, for people")

    def said(self) -> RefusedEvent:
        delay = timedelta(seconds=self.delay_seconds)
        return RefusedEvent(self.partition, self.token, self.position, delay, self.reason)


class Said(Strict):
    """What is done, and what could not be. What is refused is taken first."""

    acknowledged: list[AcknowledgedBody] = Field([], max_length=MAX_SAID)
    refused: list[RefusedBody] = Field([], max_length=MAX_SAID)


class Settle(Said):
    """What a member says of events. Without any, it only renews its lease."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"member": "billing-1-7f3a", "acknowledged": [{"partition": 3, "token": 7, "position": 42}]}]
        }
    )
    member: MemberName


class Fetch(Said):
    """Asks for events. What the member says of those before is taken first."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"member": "billing-1-7f3a", "wait": 20}]})
    member: MemberName | None = Field(
        None, description="A name of the process's own. If it is left out, the answer has one to go on with."
    )
    limit: Annotated[Whole, Field(ge=1, le=1_000)] = 100
    wait: float = Field(
        0,
        ge=0,
        le=MAX_WAIT_SECONDS,
        strict=True,
        allow_inf_nan=False,
        description="How many seconds to wait for the first event",
    )


class DeliveredEvent(CloudEvent):
    """An event that is handed out, with what its member says of it later."""

    partition: int
    token: int = Field(description="Grows with each owner of the partition. Hand it on: a lower one is of the past.")
    previousposition: int | None = Field(
        description="The position of the wanted event before it in its partition; null if that is not known."
    )
    attempt: int = Field(description="1, or one more than how often it was refused in a row")
    held: bool = Field(description="Whether its order was held up by a refusal: acknowledge it with its subject.")


class OwnPartition(BaseModel):
    """A partition that the member owns."""

    partition: int
    token: int


class Fetched(BaseModel):
    """Events in ledger order, and what the member owns. Fewer than the limit does not mean that there are no more."""

    items: list[DeliveredEvent]
    member: str
    partitions: list[OwnPartition]
    paused: bool


class Renewed(BaseModel):
    """Until when the member owns its partitions; null if its lease has ended: fetch, to join again."""

    lease_expires_at: datetime | None


router = APIRouter(prefix="/trail/v1/consumers", tags=["Consumers"], route_class=NativeRoute, responses=RESPONSES)


@router.post("/{name}/fetch", response_model=Fetched, summary="Fetch events as a member")
async def fetch(request: Request, name: ConsumerName, body: Fetch, caller: CallerDep, services: ServicesDep) -> Json:
    """Join or go on: return events of the member's partitions.

    What was handed out before and is not acknowledged comes again. Whoever fetches has finished with what it had.
    """
    _authorise(caller)
    tenant, consuming = caller.tenant.name, services.consuming
    if body.acknowledged or body.refused:
        if body.member is None:
            raise InvalidRequest(Fault(("body", "member"), "is whose events these were, and is missing", "missing"))
        await consuming.settle(tenant, name, body.member, *_said(body))
    handed = await _awaited(request, services, caller, name, body)
    partitions = [{"partition": partition, "token": token} for partition, token in handed.partitions.items()]
    items = await rendered(list(handed.deliveries), lambda delivery: delivered_event(tenant, delivery))
    parts = document("items", items, member=handed.member, partitions=partitions, paused=handed.is_paused)
    return answer(parts, headers={})


@router.post("/{name}/acknowledge", response_model=Renewed, summary="Acknowledge events, or refuse some")
async def acknowledge(name: ConsumerName, body: Settle, caller: CallerDep, services: ServicesDep) -> Json:
    """Take all that is said, or nothing, and renew the member's lease. Saying the same again changes nothing.

    A token that is not the present one is a 409 of the type lease-lost.
    """
    _authorise(caller)
    expires_at = await services.consuming.settle(caller.tenant.name, name, body.member, *_said(body))
    return Json({"lease_expires_at": expires_at})


@router.delete("/{name}/members/{member}", status_code=204, summary="Leave a consumer")
async def leave(
    name: ConsumerName,
    member: Annotated[Identifier, Path(examples=["billing-1-7f3a"])],
    caller: CallerDep,
    services: ServicesDep,
) -> Response:
    """Give up a member's partitions at once, instead of when its lease ends."""
    _authorise(caller)
    await services.consuming.leave(caller.tenant.name, name, member)
    return Response(status_code=204)


def delivered_event(tenant: str, delivery: Delivery) -> dict[str, Any]:
    """Return a delivery as it is shown."""
    return {
        **cloud_event(tenant, delivery.event),
        "partition": delivery.partition,
        "token": delivery.token,
        "previousposition": delivery.previous,
        "attempt": delivery.attempt,
        "held": delivery.is_held,
    }


async def _awaited(request: Request, services: Services, caller: Caller, name: str, body: Fetch) -> Handed:
    """Return what the member is handed, as soon as there is something.

    A member that leaves ends its wait, and so does a credential that ends, and a process that stops.
    """
    member, left, may_join = body.member, body.wait, True
    is_over: Callable[[], bool] = getattr(request.app.state, "is_stopping", lambda: False)
    while True:
        seconds = min(left, CACHE_SECONDS)
        handed = await services.consuming.fetch(
            caller.tenant.name,
            name,
            member,
            limit=body.limit,
            wait_seconds=seconds,
            is_over=is_over,
            may_join=may_join,
        )
        left -= seconds
        is_done = handed.deliveries or not handed.is_member or left <= 0
        if is_done or is_over() or await request.is_disconnected():
            return handed
        member, may_join = handed.member, False
        _authorise(await bearer(services, request))


def _authorise(caller: Caller) -> None:
    authorise(caller, TAKE_PART)
    authorise(caller, "read:ledger")


def _said(body: Said) -> tuple[list[Acknowledged], list[RefusedEvent]]:
    return [each.said() for each in body.acknowledged], [each.said() for each in body.refused]
