"""Consumers in the native interface: define them, see how far they are, and decide about what they could not handle."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.http.parts import answer, document
from api.http.reading.json_text import to_json
from api.http.requests import Json, NativeRoute, ServicesDep
from api.native.errors import RESPONSES
from api.native.following.consumer_models import (
    ConsumerList,
    ConsumerName,
    ConsumersQuery,
    DropBody,
    NewConsumer,
    NewPlace,
    ParkedList,
    ParkedQuery,
    Place,
    Retried,
    RetryBody,
    WholeConsumer,
    consumer_body,
    parked_body,
    whole_body,
)
from api.native.security import CallerDep
from application.access.callers import authorise

SEE, MANAGE = "read:consumers", "admin:consumers"
"""The scopes of whoever looks at consumers, and of whoever decides about them."""

router = APIRouter(prefix="/trail/v1/consumers", tags=["Consumers"], route_class=NativeRoute, responses=RESPONSES)


@router.get("", response_model=ConsumerList, summary="List consumers")
async def list_consumers(query: Annotated[ConsumersQuery, Query()], caller: CallerDep, services: ServicesDep) -> Json:
    """List consumers by name, with their lag. Webhooks have a list of their own."""
    authorise(caller, SEE)
    asked = query.limit + 1
    found, progress = await services.consuming.list(caller.tenant.name, after=query.cursor or "", limit=asked)
    page = found[: query.limit]
    items = [to_json(consumer_body(each, progress[each.name])) for each in page if each.name in progress]
    following = page[-1].name if len(found) > query.limit else None
    return answer(document("items", items, next=following), headers={})


@router.put(
    "/{name}",
    response_model=WholeConsumer,
    summary="Define a consumer",
    responses={201: {"model": WholeConsumer, "description": "It is new"}},
)
async def put_consumer(name: ConsumerName, body: NewConsumer, caller: CallerDep, services: ServicesDep) -> Json:
    """Create a consumer, or change one. What it wants from then on is looked for after what it has acknowledged."""
    authorise(caller, MANAGE)
    is_new = await services.consuming.define(caller.tenant.name, name, body.settings(), body.from_)
    state = await services.consuming.state(caller.tenant.name, name)
    return Json(whole_body(state), status_code=201 if is_new else 200)


@router.get("/{name}", response_model=WholeConsumer, summary="Get a consumer")
async def get_consumer(name: ConsumerName, caller: CallerDep, services: ServicesDep) -> Json:
    """Return a consumer: its lag, its members and their partitions."""
    authorise(caller, SEE)
    return Json(whole_body(await services.consuming.state(caller.tenant.name, name)))


@router.delete("/{name}", status_code=204, summary="Remove a consumer")
async def delete_consumer(name: ConsumerName, caller: CallerDep, services: ServicesDep) -> Response:
    """Remove a consumer with all that it knows. Its events stay in the ledger."""
    authorise(caller, MANAGE)
    await services.consuming.register.remove(caller.tenant.name, name)
    return Response(status_code=204)


@router.post("/{name}/pause", status_code=204, summary="Pause a consumer")
async def pause_consumer(name: ConsumerName, caller: CallerDep, services: ServicesDep) -> Response:
    """Hand out nothing until it is resumed. What was handed out can still be acknowledged."""
    authorise(caller, MANAGE)
    await services.consuming.register.pause(caller.tenant.name, name, is_paused=True)
    return Response(status_code=204)


@router.post("/{name}/resume", status_code=204, summary="Resume a consumer")
async def resume_consumer(name: ConsumerName, caller: CallerDep, services: ServicesDep) -> Response:
    """Hand out events again."""
    authorise(caller, MANAGE)
    await services.consuming.register.pause(caller.tenant.name, name, is_paused=False)
    return Response(status_code=204)


@router.post("/{name}/reset", response_model=Place, summary="Reset a consumer")
async def reset_consumer(name: ConsumerName, body: NewPlace, caller: CallerDep, services: ServicesDep) -> Json:
    """Go on somewhere else, back or ahead. Nothing is parked any more, and old tokens are refused."""
    authorise(caller, MANAGE)
    return Json({"position": await services.consuming.reset(caller.tenant.name, name, body.start())})


@router.get("/{name}/parked", response_model=ParkedList, summary="List parked orders")
async def list_parked(
    name: ConsumerName, query: Annotated[ParkedQuery, Query()], caller: CallerDep, services: ServicesDep
) -> Json:
    """List orders with an event that was refused, with the reason."""
    authorise(caller, SEE)
    found = await services.consuming.register.held(
        caller.tenant.name,
        name,
        are_parked=query.state == "parked",
        after=query.cursor or "",
        limit=query.limit + 1,
    )
    page = found[: query.limit]
    following = page[-1].stream if len(found) > query.limit else None
    return answer(document("items", [to_json(parked_body(each)) for each in page], next=following), headers={})


@router.post("/{name}/parked/retry", response_model=Retried, summary="Retry parked orders")
async def retry_parked(name: ConsumerName, body: RetryBody, caller: CallerDep, services: ServicesDep) -> Json:
    """Hand out an order's refused event now, and then its later ones. All parked orders, if none is named."""
    authorise(caller, MANAGE)
    return Json({"orders": await services.consuming.register.retry(caller.tenant.name, name, body.subject)})


@router.post("/{name}/parked/drop", status_code=204, summary="Drop a parked event")
async def drop_parked(name: ConsumerName, body: DropBody, caller: CallerDep, services: ServicesDep) -> Response:
    """Pass over the refused event of an order, or over all of its events up to a position. The others go on."""
    authorise(caller, MANAGE)
    await services.consuming.drop(caller.tenant.name, name, body.subject, upto=body.upto)
    return Response(status_code=204)
