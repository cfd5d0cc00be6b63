"""What tenants do with webhooks: make them, change them, and send messages once more."""

import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple

from application.delivery.consumers import Delivery, partition_of
from application.delivery.consuming import Consuming, Start
from application.delivery.errors import EventNotDelivered
from application.delivery.webhooks.attempts import Attempts
from application.delivery.webhooks.courier import Render
from application.delivery.webhooks.port import (
    Attempt,
    Message,
    NewWebhook,
    Sender,
    Webhook,
    WebhookStore,
    consumer_of,
    message_id,
)
from application.delivery.webhooks.signing import new_secret, shown_public_key, shown_secret
from application.ledger.port import EventStore
from domain.values import TenantName

RenderTest = Callable[[str], bytes]
"""Returns what is sent to a tenant's webhook as a test."""


class ShownSecret(NamedTuple):
    """What a receiver checks signatures with. The secret is shown once; the public key whenever somebody asks."""

    secret: str
    public_key: str


class Hooks:
    """The webhooks of all tenants."""

    def __init__(
        self,
        webhooks: WebhookStore,
        attempts: Attempts,
        sender: Sender,
        consuming: Consuming,
        store: EventStore,
        *,
        render: Render,
        render_test: RenderTest,
    ) -> None:
        self.store = webhooks
        self.attempts = attempts
        self._sender = sender
        self._consuming = consuming
        self._events = store
        self._render = render
        self._render_test = render_test

    async def create(self, tenant: TenantName, new: NewWebhook, start: Start) -> tuple[str, ShownSecret]:
        """Make a webhook; return its id and its secret. Raises UnacceptableUrl, TooManyWebhooks, BeyondHead."""
        self._sender.check(new.url)
        id_, secret = f"wh-{secrets.token_hex(8)}", new_secret()
        position = await self._consuming.position_of(tenant, start)
        await self.store.create(tenant, id_, new, secret, position)
        return id_, ShownSecret(shown_secret(secret), shown_public_key(secret))

    async def change(self, tenant: TenantName, id_: str, new: NewWebhook) -> None:
        """Change a webhook, which goes on where it is. Raises UnacceptableUrl, WebhookNotFound."""
        self._sender.check(new.url)
        await self.store.change(tenant, id_, new)

    async def rotate(self, tenant: TenantName, id_: str, *, keep: timedelta) -> ShownSecret:
        """Replace the secret; messages are signed with the previous one too for so long. Raises WebhookNotFound."""
        secret = new_secret()
        await self.store.rotate(tenant, id_, secret, keep=keep)
        return ShownSecret(shown_secret(secret), shown_public_key(secret))

    async def public_key(self, tenant: TenantName, id_: str) -> str:
        """Return the key that v1a signatures are checked with. Raises WebhookNotFound."""
        _, (secret, *_) = await self.store.find(tenant, id_)
        return shown_public_key(secret)

    async def replay(self, tenant: TenantName, id_: str, start: Start) -> int:
        """Send again, and return the position after which that begins. Raises BeyondHead, WebhookNotFound."""
        await self.store.find(tenant, id_)
        return await self._consuming.reset(tenant, consumer_of(id_), start)

    async def test(self, tenant: TenantName, id_: str) -> Attempt:
        """Send a message that is about nothing, and return what happened. Raises WebhookNotFound."""
        webhook, signing = await self.store.find(tenant, id_)
        message = Message(
            f"msg_test_{secrets.token_hex(8)}", "test", consumer_of(id_), None, 1, self._render_test(tenant)
        )
        return (await self.attempts.make(tenant, webhook, signing, message)).attempt

    async def resend(self, tenant: TenantName, id_: str, attempt: str) -> Attempt:
        """Send the event of an attempt once more, now and out of order, and return what happened.

        The webhook's place does not change. Raises WebhookNotFound, AttemptNotFound, EventNotDelivered.
        """
        webhook, signing = await self.store.find(tenant, id_)
        earlier = await self.attempts.log.find(tenant, id_, attempt)
        found = await self._at(tenant, earlier.position)
        body = self._render(tenant, found, webhook.with_data)
        id_of_message = message_id(id_, found.event.event_id)
        message = Message(id_of_message, "resend", found.event.stream, found.event.position, earlier.number + 1, body)
        return (await self.attempts.make(tenant, webhook, signing, message)).attempt

    async def _at(self, tenant: TenantName, position: int | None) -> Delivery:
        if position is None:
            raise EventNotDelivered("This attempt was a test, not the delivery of an event; send another test")
        events = await self._events.read_ledger(tenant, after=position - 1, upto=position, limit=1)
        if not events:
            raise EventNotDelivered(
                "The ledger does not hold this event any more: it was restored from an earlier copy"
            )
        return Delivery(events[0], partition_of(events[0].stream), 0, None)

    async def state(self, tenant: TenantName, id_: str) -> Webhook:
        """Return a webhook. Raises WebhookNotFound."""
        webhook, _ = await self.store.find(tenant, id_)
        return webhook
