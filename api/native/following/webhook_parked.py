"""Orders of webhooks with an event that its receiver did not take, in the native interface."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.http.parts import answer, document
from api.http.reading.json_text import to_json
from api.http.requests import Json, NativeRoute, ServicesDep
from api.native.errors import RESPONSES
from api.native.following.consumer_models import DropBody, ParkedList, ParkedQuery, Retried, RetryBody, parked_body
from api.native.following.webhook_models import WebhookId
from api.native.following.webhooks import MANAGE, SEE
from api.native.security import CallerDep
from application.access.callers import authorise
from application.delivery.webhooks.port import consumer_of

router = APIRouter(
    prefix="/trail/v1/webhooks/{webhook_id}/parked", tags=["Webhooks"], route_class=NativeRoute, responses=RESPONSES
)


@router.get("", response_model=ParkedList, summary="List a webhook's parked orders")
async def list_parked_of_webhook(
    webhook_id: WebhookId, query: Annotated[ParkedQuery, Query()], caller: CallerDep, services: ServicesDep
) -> Json:
    """List orders with an event that was not taken, with the reason; with state=waiting, those tried again soon."""
    authorise(caller, SEE)
    tenant = caller.tenant.name
    await services.hooks.state(tenant, webhook_id)
    found = await services.consuming.register.held(
        tenant,
        consumer_of(webhook_id),
        are_parked=query.state == "parked",
        after=query.cursor or "",
        limit=query.limit + 1,
    )
    page = found[: query.limit]
    following = page[-1].stream if len(found) > query.limit else None
    return answer(document("items", [to_json(parked_body(each)) for each in page], next=following), headers={})


@router.post("/retry", response_model=Retried, summary="Retry a webhook's parked orders")
async def retry_parked_of_webhook(
    webhook_id: WebhookId, body: RetryBody, caller: CallerDep, services: ServicesDep
) -> Json:
    """Send an order's event now, and then its later ones. All parked orders, if none is named."""
    authorise(caller, MANAGE)
    tenant = caller.tenant.name
    await services.hooks.state(tenant, webhook_id)
    orders = await services.consuming.register.retry(tenant, consumer_of(webhook_id), body.subject)
    return Json({"orders": orders})


@router.post("/drop", status_code=204, summary="Drop a webhook's parked event")
async def drop_parked_of_webhook(
    webhook_id: WebhookId, body: DropBody, caller: CallerDep, services: ServicesDep
) -> Response:
    """Pass over an order's event that was not taken, or over all of its events up to a position."""
    authorise(caller, MANAGE)
    tenant = caller.tenant.name
    await services.hooks.state(tenant, webhook_id)
    await services.consuming.drop(tenant, consumer_of(webhook_id), body.subject, upto=body.upto)
    return Response(status_code=204)
