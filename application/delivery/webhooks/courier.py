"""Delivers the events of one webhook, as a member of its consumer."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import NamedTuple

from application.delivery.consumers import Acknowledged, Delivery, Membership, RefusedEvent
from application.delivery.errors import LeaseLost
from application.delivery.webhooks.attempts import Attempts, Made
from application.delivery.webhooks.backoff import Backoff, retry_after
from application.delivery.webhooks.port import Message, SigningSecret, Webhook, WebhookStore, consumer_of, message_id
from domain.values import TenantName

_log = logging.getLogger(__name__)

Render = Callable[[str, Delivery, bool], bytes]
"""Returns what is sent about a tenant's event, with its data or without."""
GONE = 410
ASKED_TO_WAIT = {429, 503}


class Schedule(NamedTuple):
    """How patient deliveries are."""

    event: Backoff = Backoff(timedelta(seconds=5), timedelta(hours=1))
    endpoint: Backoff = Backoff(timedelta(seconds=5), timedelta(minutes=15))
    suspicious: int = 5
    """After so many failures in a row the receiver counts as away."""
    give_up: timedelta = timedelta(days=3)
    """A webhook is disabled when nothing has succeeded for so long."""
    limit: int = 50
    """How many events are fetched together."""


AS_DOCUMENTED = Schedule()


class Tools(NamedTuple):
    """What couriers work with."""

    webhooks: WebhookStore
    membership: Membership
    attempts: Attempts
    render: Render
    schedule: Schedule = AS_DOCUMENTED
    random: Random = Random()  # noqa: S311 it spreads retries


class Courier:
    """Delivers as long as there is something to deliver."""

    def __init__(self, tools: Tools, tenant: TenantName, webhook: str, member: str) -> None:
        self._tools = tools
        self._tenant = tenant
        self._id = webhook
        self._member = member
        self._is_held_up = False

    async def deliver(self) -> None:
        """Deliver what is there. Raises Unavailable, WebhookNotFound."""
        while not self._is_held_up:
            webhook, signing = await self._tools.webhooks.find(self._tenant, self._id)
            if webhook.is_disabled:
                return
            # Whether a receiver that seems to be away is back is tried with one event.
            limit = 1 if webhook.failures >= self._tools.schedule.suspicious else self._tools.schedule.limit
            handed = await self._tools.membership.fetch(self._tenant, consumer_of(self._id), self._member, limit=limit)
            if not handed.deliveries and not handed.has_more:
                return
            lanes: dict[int, list[Delivery]] = defaultdict(list)
            for delivery in handed.deliveries:
                lanes[delivery.partition].append(delivery)
            async with asyncio.TaskGroup() as tasks:
                for lane in lanes.values():
                    tasks.create_task(self._deliver_lane(webhook, signing, lane))

    async def _deliver_lane(self, webhook: Webhook, signing: Sequence[SigningSecret], lane: Sequence[Delivery]) -> None:
        """Deliver the events of a partition one after the other. After a failure the later ones of its order wait."""
        failed: set[str] = set()
        for delivery in lane:
            if self._is_held_up:
                return
            if delivery.event.stream in failed:
                continue
            message = Message(
                message_id(webhook.id, delivery.event.event_id),
                "event",
                delivery.event.stream,
                delivery.event.position,
                delivery.attempt,
                self._tools.render(self._tenant, delivery, webhook.with_data),
            )
            made = await self._tools.attempts.make(self._tenant, webhook, signing, message)
            try:
                await self._settle(delivery, made)
            except LeaseLost as lost:
                _log.warning("Webhook %s of %s: %s", webhook.id, self._tenant, lost)
                return
            if not made.is_delivered:
                failed.add(delivery.event.stream)

    async def _settle(self, delivery: Delivery, made: Made) -> None:
        event, webhooks = delivery.event, self._tools.webhooks
        done: list[Acknowledged] = []
        refused: list[RefusedEvent] = []
        if made.is_delivered:
            stream = event.stream if delivery.is_held else None
            done = [Acknowledged(delivery.partition, delivery.token, event.position, stream)]
            await webhooks.note_success(self._tenant, self._id)
        else:
            asked = self._asked_to_wait(made)
            wait = max(self._tools.schedule.event.after(delivery.attempt, self._tools.random), asked)
            refused = [RefusedEvent(delivery.partition, delivery.token, event.position, wait, made.reason)]
            await self._note_failure(made, asked)
        await self._tools.membership.settle(self._tenant, consumer_of(self._id), self._member, done, refused)

    def _asked_to_wait(self, made: Made) -> timedelta:
        if made.answer.status not in ASKED_TO_WAIT:
            return timedelta()
        return retry_after(made.answer.headers.get("retry-after"), datetime.now(UTC))

    async def _note_failure(self, made: Made, asked: timedelta) -> None:
        """Count a failure of the receiver, and hold up what is sent to it, or disable the webhook, if it has to be."""
        schedule, webhooks = self._tools.schedule, self._tools.webhooks
        if made.answer.status == GONE:
            await self._disable("The receiver answered 410 Gone")
            return
        self._is_held_up = self._is_held_up or bool(asked)
        endpoint = await webhooks.note_failure(self._tenant, self._id, wait=asked)
        if datetime.now(UTC) - endpoint.failing_since >= schedule.give_up:
            await self._disable(f"Nothing was delivered for {schedule.give_up}; the last reason: {made.reason}")
        elif endpoint.failures >= schedule.suspicious:
            wait = schedule.endpoint.after(endpoint.failures - schedule.suspicious + 1, self._tools.random)
            self._is_held_up = True
            await webhooks.hold_up(self._tenant, self._id, wait=wait)
            if endpoint.failures == schedule.suspicious:
                _log.warning("Webhook %s of %s: the receiver seems to be away: %s", self._id, self._tenant, made.reason)

    async def _disable(self, reason: str) -> None:
        self._is_held_up = True
        if await self._tools.webhooks.disable(self._tenant, self._id, reason):
            _log.error("Webhook %s of %s was disabled: %s", self._id, self._tenant, reason)
