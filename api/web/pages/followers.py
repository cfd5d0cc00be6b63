"""Who follows the ledger: consumers and webhooks, with their lag, what they could not handle, and what was sent."""

from collections.abc import Mapping, Sequence
from typing import Annotated, NamedTuple
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from pydantic_core import from_json

from api.http.requests import ServicesDep
from api.services import Services
from api.web.pages.asking import AskedDep, turned
from api.web.rendering import page
from api.web.route import PageRoute, form_of
from api.web.security import VisitorDep
from api.web.showing.call_view import Side, body_of
from api.web.showing.wording import code_tone
from api.web.sign_in import see
from application.access.callers import Caller, authorise
from application.access.scopes import grants
from application.delivery.consumers import Consumer, HeldStream, Progress
from application.delivery.webhooks.port import Attempt, Webhook, consumer_of
from domain.streams import order_id_of
from domain.values import Name, TenantName

PAGE = 50
MOST = 100
"""How many consumers and webhooks the ledger's page lists. A tenant has no more webhooks."""
_NEWEST = 15
"""How many attempts a webhook's page shows at a time."""

router = APIRouter(prefix="/ui/ledger", route_class=PageRoute, include_in_schema=False)

FormDep = Annotated[dict[str, str], Depends(form_of)]


class ShownFollower(NamedTuple):
    """A consumer or a webhook in the list. A webhook's address is masked by nobody: it is no secret of ours."""

    path: str
    name: str
    kind: str
    progress: Progress
    is_paused: bool
    webhook: Webhook | None = None

    @property
    def state(self) -> tuple[str, str]:
        """How it is doing, in a word, and the word's tone."""
        if self.webhook is not None and self.webhook.is_disabled:
            return "Disabled", "bad"
        if self.is_paused:
            return "Paused", "wait"
        if self.webhook is not None and self.webhook.failing_since is not None:
            return "Failing", "bad"
        if self.progress.parked:
            return "Parked", "bad"
        return ("Behind", "wait") if self.progress.lag_events else ("Up to date", "good")


async def followers_of(services: Services, visitor: Caller) -> list[ShownFollower]:
    """Return who follows the visitor's ledger, as far as they may see them."""
    tenant, found = visitor.tenant.name, []
    if grants(visitor.scopes, "read:consumers"):
        consumers, progress = await services.consuming.list(tenant, after="", limit=MOST)
        found += [_consumer(each, progress[each.name]) for each in consumers if each.name in progress]
    if grants(visitor.scopes, "read:webhooks"):
        for webhook in await services.hooks.store.list(tenant, limit=MOST):
            found.append(await _webhook(services, tenant, webhook))
    return found


def _consumer(consumer: Consumer, progress: Progress) -> ShownFollower:
    path = f"/ui/ledger/consumers/{quote(consumer.name, safe='')}"
    return ShownFollower(path, consumer.name, "consumer", progress, consumer.is_paused)


async def _webhook(services: Services, tenant: TenantName, webhook: Webhook) -> ShownFollower:
    state = await services.consuming.state(tenant, consumer_of(webhook.id))
    name = webhook.description or webhook.url
    path = f"/ui/ledger/webhooks/{quote(webhook.id, safe='')}"
    return ShownFollower(path, name, "webhook", state.progress, state.consumer.is_paused, webhook)


class AttemptLine(NamedTuple):
    """An attempt with what was sent and answered."""

    attempt: Attempt
    tone: str
    request: Side
    response: Side


@router.get("/consumers/{name}")
async def get_consumer(request: Request, name: Name, visitor: VisitorDep, services: ServicesDep) -> Response:
    """Show a consumer: its lag, its members, and the orders that wait for a decision."""
    authorise(visitor, "read:consumers")
    tenant = visitor.tenant.name
    state = await services.consuming.state(tenant, name)
    return page(
        request,
        "follower.html",
        visitor=visitor,
        follower=_consumer(state.consumer, state.progress),
        members=state.members,
        partitions=state.partitions,
        held=await _held(services, tenant, name),
        attempts=[],
        older=None,
        newest=None,
        scope="admin:consumers",
        order_id_of=_order_of,
    )


@router.get("/webhooks/{webhook_id}")
async def get_webhook(
    request: Request, webhook_id: Name, visitor: VisitorDep, services: ServicesDep, asked: AskedDep
) -> Response:
    """Show a webhook: how it does, what waits, and its attempts."""
    authorise(visitor, "read:webhooks")
    tenant, before = visitor.tenant.name, asked.get("before")
    webhook = await services.hooks.state(tenant, webhook_id)
    may_see_data = grants(visitor.scopes, "read:ledger")  # the data of events may be in attempts
    found: Sequence[Attempt] = (
        await services.hooks.attempts.log.list(tenant, webhook_id, before=before, limit=_NEWEST + 1)
        if may_see_data
        else ()
    )
    return page(
        request,
        "follower.html",
        visitor=visitor,
        follower=await _webhook(services, tenant, webhook),
        members=[],
        partitions=[],
        held=await _held(services, tenant, consumer_of(webhook_id)),
        attempts=[_shown(each) for each in found[:_NEWEST]],
        older=turned(asked, before=found[_NEWEST - 1].id) if len(found) > _NEWEST else None,
        newest=turned(asked, before=None) if before else None,
        scope="admin:webhooks",
        order_id_of=_order_of,
    )


def _order_of(stream: str) -> str | None:
    """Return the order that a stream is of."""
    return order_id_of(stream) if stream.startswith("order-") else None


async def _held(services: Services, tenant: TenantName, consumer: str) -> Sequence[HeldStream]:
    """Return the parked orders, and then those that are tried again soon."""
    register = services.consuming.register
    parked = await register.held(tenant, consumer, are_parked=True, limit=PAGE)
    return [*parked, *await register.held(tenant, consumer, are_parked=False, limit=PAGE)]


def _shown(attempt: Attempt) -> AttemptLine:
    told = {} if attempt.detail is None else from_json(attempt.detail)
    tone = "bad" if attempt.status is None else code_tone(attempt.status)
    return AttemptLine(attempt, tone, _side(told.get("request")), _side(told.get("response")))


def _side(told: Mapping[str, object] | None) -> Side:
    if told is None:
        return Side([], body_of("[unreadable]"))
    headers = told.get("headers")
    return Side(list(headers.items()) if isinstance(headers, dict) else [], body_of(told.get("body")))


@router.post("/consumers/{name}/retry")
async def retry_consumer(name: Name, visitor: VisitorDep, services: ServicesDep, form: FormDep) -> Response:
    """Try an order's refused event again now; all parked orders, if none is named."""
    authorise(visitor, "admin:consumers")
    await services.consuming.register.retry(visitor.tenant.name, name, form.get("stream"))
    return see(f"/ui/ledger/consumers/{quote(name, safe='')}")


@router.post("/consumers/{name}/drop")
async def drop_of_consumer(name: Name, visitor: VisitorDep, services: ServicesDep, form: FormDep) -> Response:
    """Pass over an order's refused event."""
    authorise(visitor, "admin:consumers")
    await services.consuming.drop(visitor.tenant.name, name, form.get("stream", ""), upto=None)
    return see(f"/ui/ledger/consumers/{quote(name, safe='')}")


@router.post("/webhooks/{webhook_id}/retry")
async def retry_webhook(webhook_id: Name, visitor: VisitorDep, services: ServicesDep, form: FormDep) -> Response:
    """Send an order's event again now; those of all parked orders, if none is named."""
    authorise(visitor, "admin:webhooks")
    await services.hooks.state(visitor.tenant.name, webhook_id)
    await services.consuming.register.retry(visitor.tenant.name, consumer_of(webhook_id), form.get("stream"))
    return see(f"/ui/ledger/webhooks/{quote(webhook_id, safe='')}")


@router.post("/webhooks/{webhook_id}/drop")
async def drop_of_webhook(webhook_id: Name, visitor: VisitorDep, services: ServicesDep, form: FormDep) -> Response:
    """Pass over an order's event that was not taken."""
    authorise(visitor, "admin:webhooks")
    await services.hooks.state(visitor.tenant.name, webhook_id)
    await services.consuming.drop(visitor.tenant.name, consumer_of(webhook_id), form.get("stream", ""), upto=None)
    return see(f"/ui/ledger/webhooks/{quote(webhook_id, safe='')}")


@router.post("/webhooks/{webhook_id}/resend/{attempt_id}")
async def resend(webhook_id: Name, attempt_id: Name, visitor: VisitorDep, services: ServicesDep) -> Response:
    """Send the event of an attempt once more, now."""
    authorise(visitor, "admin:webhooks")
    authorise(visitor, "read:ledger")
    await services.hooks.resend(visitor.tenant.name, webhook_id, attempt_id)
    return see(f"/ui/ledger/webhooks/{quote(webhook_id, safe='')}#attempts")
