"""Attempts to deliver a message: it is signed, sent and logged, with secrets masked."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from pydantic_core import to_json
from uuid_utils import uuid7

from application.bodies.masking import SECRET_HEADERS, masked, masked_address, without_secrets_in
from application.delivery.webhooks.port import Answer, Attempt, AttemptLog, Message, Sender, SigningSecret, Webhook
from application.delivery.webhooks.signing import signed_headers
from application.runtime.request_context import note_write
from domain.values import TenantName

MAX_LOGGED = 4_096
"""How many characters of a body are logged."""
_HEADERS = {"content-type": "application/json", "user-agent": "Ordertrail-Webhooks/1"}


class Made(NamedTuple):
    """An attempt, and what was answered."""

    attempt: Attempt
    answer: Answer

    @property
    def is_delivered(self) -> bool:
        return self.answer.status is not None and 200 <= self.answer.status < 300

    @property
    def reason(self) -> str:
        """Why it was not delivered, in a few words."""
        return self.answer.error or f"The receiver answered {self.answer.status}"


class Attempts:
    """Makes attempts and logs them."""

    def __init__(self, sender: Sender, log: AttemptLog, *, secret_names: frozenset[str] = SECRET_HEADERS) -> None:
        self.log = log
        self._sender = sender
        self._secret_names = secret_names

    async def make(
        self, tenant: TenantName, webhook: Webhook, signing: Sequence[SigningSecret], message: Message
    ) -> Made:
        """Send a message, log what happened, and return it. Raises Unavailable if it could not be logged."""
        started_at = datetime.now(UTC)
        headers = {**_HEADERS, **signed_headers(message.id, message.body, signing, now=started_at)}
        note_write()  # sent again, it would reach the receiver twice
        answer = await self._sender.send(webhook.url, headers, message.body)
        attempt = Attempt(
            str(uuid7()),
            message.kind,
            message.id,
            message.stream,
            message.position,
            message.number,
            started_at,
            answer.seconds,
            answer.status,
            answer.error,
            to_json(self._told(webhook.url, headers, message.body, answer)),
        )
        await self.log.add(tenant, webhook.id, attempt)
        return Made(attempt, answer)

    def _told(self, url: str, headers: Mapping[str, str], body: bytes, answer: Answer) -> dict[str, Any]:
        request = {"url": masked_address(url, self._secret_names), "headers": self._masked(headers)}
        return {
            "request": {**request, "body": self._cut(body.decode())},
            "response": {"headers": self._masked(answer.headers), "body": self._cut(answer.body)},
        }

    def _masked(self, headers: Mapping[str, str]) -> Any:
        return masked(dict(headers), self._secret_names)

    def _cut(self, body: str) -> str:
        return without_secrets_in(body[:MAX_LOGGED], self._secret_names).replace("\x00", "")
