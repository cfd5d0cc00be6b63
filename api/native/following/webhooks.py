"""Webhooks in the native interface: make them, see how they do, and send messages again."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from api.http.parts import answer, document
from api.http.reading.json_text import to_json
from api.http.requests import Json, NativeRoute, ServicesDep
from api.native.errors import RESPONSES
from api.native.following.consumer_models import NewPlace, Place
from api.native.following.webhook_models import (
    AttemptList,
    AttemptsQuery,
    ChangedWebhookBody,
    MadeWebhook,
    NewWebhookBody,
    Rotation,
    ShownAttempt,
    ShownSecretBody,
    WebhookId,
    WebhookList,
    WebhooksQuery,
    WebhookWithKey,
    attempt_body,
    webhook_body,
)
from api.native.security import CallerDep
from api.services import Services
from application.access.callers import Caller, authorise
from application.delivery.webhooks.port import consumer_of
from domain.values import Identifier, TenantName

SEE, MANAGE = "read:webhooks", "admin:webhooks"
"""The scopes of whoever looks at webhooks, and of whoever decides about them; who has events sent needs read:ledger."""

AttemptId = Annotated[Identifier, Path(examples=["0197e2a4-8c11-7b05-9d3e-0f6d5c1a2b3c"])]

router = APIRouter(prefix="/trail/v1/webhooks", tags=["Webhooks"], route_class=NativeRoute, responses=RESPONSES)


@router.post("", response_model=MadeWebhook, status_code=201, summary="Make a webhook")
async def create_webhook(body: NewWebhookBody, caller: CallerDep, services: ServicesDep) -> Json:
    """Have events sent to a URL, signed as Standard Webhooks say. The secret is shown once."""
    _authorise_to_send(caller)
    id_, secret = await services.hooks.create(caller.tenant.name, body.wanted(), body.from_)
    shown = await _shown(services, caller.tenant.name, id_)
    return Json({**shown, **secret._asdict()}, status_code=201)


@router.get("", response_model=WebhookList, summary="List webhooks")
async def list_webhooks(query: Annotated[WebhooksQuery, Query()], caller: CallerDep, services: ServicesDep) -> Json:
    """List webhooks by id: which are active, which fail, which were disabled and why."""
    authorise(caller, SEE)
    tenant, asked = caller.tenant.name, query.limit + 1
    found = await services.hooks.store.list(tenant, after=query.cursor or "", limit=asked)
    page = found[: query.limit]
    items = [to_json(await _shown(services, tenant, webhook.id)) for webhook in page]
    following = page[-1].id if len(found) > query.limit else None
    return answer(document("items", items, next=following), headers={})


@router.get("/{webhook_id}", response_model=WebhookWithKey, summary="Get a webhook")
async def get_webhook(webhook_id: WebhookId, caller: CallerDep, services: ServicesDep) -> Json:
    """Return a webhook, with the public key of its v1a signatures."""
    authorise(caller, SEE)
    return await _whole(services, caller.tenant.name, webhook_id)


@router.put("/{webhook_id}", response_model=WebhookWithKey, summary="Change a webhook")
async def put_webhook(
    webhook_id: WebhookId, body: ChangedWebhookBody, caller: CallerDep, services: ServicesDep
) -> Json:
    """Change where events are sent, and which. It goes on where it is."""
    _authorise_to_send(caller)
    await services.hooks.change(caller.tenant.name, webhook_id, body.wanted())
    return await _whole(services, caller.tenant.name, webhook_id)


@router.delete("/{webhook_id}", status_code=204, summary="Remove a webhook")
async def delete_webhook(webhook_id: WebhookId, caller: CallerDep, services: ServicesDep) -> Response:
    """Remove a webhook and its attempts. Its events stay in the ledger."""
    authorise(caller, MANAGE)
    await services.hooks.store.remove(caller.tenant.name, webhook_id)
    return Response(status_code=204)


@router.post("/{webhook_id}/rotate", response_model=ShownSecretBody, summary="Replace a webhook's secret")
async def rotate_secret(webhook_id: WebhookId, body: Rotation, caller: CallerDep, services: ServicesDep) -> Json:
    """Sign with a new secret. For a while, messages are signed with the previous one too."""
    authorise(caller, MANAGE)
    keep = timedelta(seconds=body.keep_seconds)
    return Json((await services.hooks.rotate(caller.tenant.name, webhook_id, keep=keep))._asdict())


@router.post("/{webhook_id}/pause", status_code=204, summary="Pause a webhook")
async def pause_webhook(webhook_id: WebhookId, caller: CallerDep, services: ServicesDep) -> Response:
    """Send nothing until it is resumed."""
    return await _pause(services, caller, webhook_id, is_paused=True)


@router.post("/{webhook_id}/resume", status_code=204, summary="Resume a webhook, or enable it")
async def resume_webhook(webhook_id: WebhookId, caller: CallerDep, services: ServicesDep) -> Response:
    """Send again, beginning at once: after a pause, and after the webhook was disabled."""
    return await _pause(services, caller, webhook_id, is_paused=False)


@router.post("/{webhook_id}/replay", response_model=Place, summary="Send events again")
async def replay(webhook_id: WebhookId, body: NewPlace, caller: CallerDep, services: ServicesDep) -> Json:
    """Go on after a position or with a time, back or ahead. The messages have the ids that they had."""
    _authorise_to_send(caller)
    return Json({"position": await services.hooks.replay(caller.tenant.name, webhook_id, body.start())})


@router.post("/{webhook_id}/test", response_model=ShownAttempt, summary="Send a test")
async def send_test(webhook_id: WebhookId, caller: CallerDep, services: ServicesDep) -> Json:
    """Send a message of the type ordertrail.test now, and return what happened."""
    authorise(caller, MANAGE)
    return Json(attempt_body(await services.hooks.test(caller.tenant.name, webhook_id)))


@router.get("/{webhook_id}/attempts", response_model=AttemptList, summary="List attempts")
async def list_attempts(
    webhook_id: WebhookId, query: Annotated[AttemptsQuery, Query()], caller: CallerDep, services: ServicesDep
) -> Json:
    """List what was sent and answered, the newest first. Secrets are masked."""
    _authorise_to_see_attempts(caller)
    tenant = caller.tenant.name
    await services.hooks.state(tenant, webhook_id)
    found = await services.hooks.attempts.log.list(tenant, webhook_id, before=query.cursor, limit=query.limit + 1)
    page = found[: query.limit]
    following = page[-1].id if len(found) > query.limit else None
    return answer(document("items", [to_json(attempt_body(each)) for each in page], next=following), headers={})


@router.get("/{webhook_id}/attempts/{attempt_id}", response_model=ShownAttempt, summary="Get an attempt")
async def get_attempt(webhook_id: WebhookId, attempt_id: AttemptId, caller: CallerDep, services: ServicesDep) -> Json:
    """Return what was sent and answered once."""
    _authorise_to_see_attempts(caller)
    await services.hooks.state(caller.tenant.name, webhook_id)
    return Json(attempt_body(await services.hooks.attempts.log.find(caller.tenant.name, webhook_id, attempt_id)))


@router.post("/{webhook_id}/attempts/{attempt_id}/resend", response_model=ShownAttempt, summary="Resend an event")
async def resend(webhook_id: WebhookId, attempt_id: AttemptId, caller: CallerDep, services: ServicesDep) -> Json:
    """Send the event of an attempt once more, now and whatever else waits, and return what happened."""
    _authorise_to_send(caller)
    return Json(attempt_body(await services.hooks.resend(caller.tenant.name, webhook_id, attempt_id)))


async def _pause(services: Services, caller: Caller, id_: str, *, is_paused: bool) -> Response:
    authorise(caller, MANAGE)
    tenant = caller.tenant.name
    await services.hooks.state(tenant, id_)
    await services.consuming.register.pause(tenant, consumer_of(id_), is_paused=is_paused)
    if not is_paused:
        await services.hooks.store.enable(tenant, id_)
    return Response(status_code=204)


def _authorise_to_send(caller: Caller) -> None:
    authorise(caller, MANAGE)
    authorise(caller, "read:ledger")


def _authorise_to_see_attempts(caller: Caller) -> None:
    authorise(caller, SEE)
    authorise(caller, "read:ledger")  # the data of events may be in them


async def _whole(services: Services, tenant: TenantName, id_: str) -> Json:
    key = await services.hooks.public_key(tenant, id_)
    return Json({**await _shown(services, tenant, id_), "public_key": key})


async def _shown(services: Services, tenant: TenantName, id_: str) -> dict[str, Any]:
    webhook = await services.hooks.state(tenant, id_)
    state = await services.consuming.state(tenant, consumer_of(id_))
    return webhook_body(webhook, state.consumer, state.progress)
