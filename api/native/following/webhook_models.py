"""The models of webhooks, and how they are shown."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import from_json

from api.http.reading.query import Digits
from api.native.following.consumer_models import Beginning, Filter, filter_body, progress_body
from api.native.models import Strict
from application.delivery.consumers import Consumer, Progress
from application.delivery.webhooks.port import Attempt, NewWebhook, Webhook
from domain.values import Identifier, Sentence, Whole

WebhookId = Annotated[Identifier, Path(description="The webhook's id", examples=["wh-4b1f0c2d9e8a7765"])]
Url = Annotated[
    str, Field(min_length=9, max_length=2_000, pattern=r"^[!-~]+$", examples=["https://shop.example/hooks"])
]


class WebhookBody(Strict):
    """Where events are sent, and which."""

    url: Url
    description: Sentence = ""
    filter: Filter = Field(default_factory=Filter)
    data: bool = Field(
        False,
        strict=True,
        description="Send the data of events too. Without it, what is forgotten here was not copied out.",
    )

    def wanted(self) -> NewWebhook:
        return NewWebhook(self.url, self.description, self.data, self.filter.wanted())


class NewWebhookBody(WebhookBody):
    """A webhook to make."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"url": "https://shop.example/hooks", "filter": {"types": ["order.status_updated"]}}]
        }
    )
    from_: Beginning = Field(
        "now", alias="from", description="With the first event, with the next, or after a position"
    )


class ChangedWebhookBody(WebhookBody):
    """What a webhook is to be from now on. It goes on where it is."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"url": "https://shop.example/hooks", "data": True}]})


class Rotation(Strict):
    """How long messages are signed with the previous secret too."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"keep_seconds": 86_400}]})
    keep_seconds: Annotated[Whole, Field(ge=0, le=30 * 86_400)] = 86_400


class WebhooksQuery(Strict):
    """Which webhooks to list."""

    cursor: Identifier | None = None
    limit: Digits = Field(25, ge=1, le=100)


class AttemptsQuery(Strict):
    """Which attempts to list."""

    cursor: Annotated[str | None, Field(max_length=64, pattern=r"^[0-9a-f-]+$")] = None
    limit: Digits = Field(25, ge=1, le=100)


class ShownWebhook(BaseModel):
    """A webhook, how its receiver does, and how far it has come."""

    id: str
    url: str
    description: str
    filter: Filter
    data: bool
    state: Literal["active", "failing", "paused", "disabled"]
    disabled_reason: str | None
    disabled_at: datetime | None
    failures: int = Field(description="Deliveries that failed in a row")
    failing_since: datetime | None
    next_attempt_at: datetime | None = Field(description="Nothing is sent before; null if nothing holds it up")
    succeeded_at: datetime | None
    earlier_secret_until: datetime | None
    created_at: datetime
    position: int = Field(description="Everything up to here is delivered, or its order waits or is parked.")
    head: int
    lag_events: int
    lag_seconds: float
    waiting: int = Field(description="Orders with an event that will be tried again")
    parked: int = Field(description="Orders that wait for somebody to decide")


class ShownSecretBody(BaseModel):
    """What signatures are checked with. The secret is shown once."""

    secret: str = Field(examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
    public_key: str = Field(examples=["whpk_MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE="])


class MadeWebhook(ShownWebhook, ShownSecretBody):
    """A new webhook with its secret."""


class WebhookWithKey(ShownWebhook):
    """A webhook with the key that v1a signatures are checked with."""

    public_key: str


class WebhookList(BaseModel):
    """Webhooks by id."""

    items: list[ShownWebhook]
    next: str | None = Field(description="The cursor of the next page; null on the last.")


class ShownAttempt(BaseModel):
    """An attempt to deliver a message. Secrets in it are masked."""

    id: str
    kind: Literal["event", "resend", "test"]
    message_id: str = Field(description="The header webhook-id: the same whenever this event is sent")
    subject: str
    position: int | None
    attempt: int
    started_at: datetime
    seconds: float
    status: int | None = Field(description="What the receiver answered; null if it did not.")
    error: str | None = Field(description="Why there is no answer")
    delivered: bool
    request: dict[str, Any] | None = Field(description="Null if its subject was forgotten since.")
    response: dict[str, Any] | None


class AttemptList(BaseModel):
    """Attempts, the newest first. They are kept for 30 days."""

    items: list[ShownAttempt]
    next: str | None = Field(description="The cursor of the next page; null on the last.")


def webhook_body(webhook: Webhook, consumer: Consumer, progress: Progress) -> dict[str, Any]:
    """Return a webhook as it is shown."""
    return {
        "id": webhook.id,
        "url": webhook.url,
        "description": webhook.description,
        "filter": filter_body(consumer.settings.wanted),
        "data": webhook.with_data,
        "state": _state(webhook, consumer),
        "disabled_reason": webhook.disabled_reason,
        "disabled_at": webhook.disabled_at,
        "failures": webhook.failures,
        "failing_since": webhook.failing_since,
        "next_attempt_at": webhook.next_at,
        "succeeded_at": webhook.succeeded_at,
        "earlier_secret_until": webhook.earlier_until,
        "created_at": webhook.created_at,
        **progress_body(progress),
    }


def _state(webhook: Webhook, consumer: Consumer) -> str:
    if webhook.is_disabled:
        return "disabled"
    if consumer.is_paused:
        return "paused"
    return "failing" if webhook.failures else "active"


def attempt_body(attempt: Attempt) -> dict[str, Any]:
    """Return an attempt as it is shown."""
    detail = {} if attempt.detail is None else from_json(attempt.detail)
    return {
        "id": attempt.id,
        "kind": attempt.kind,
        "message_id": attempt.message_id,
        "subject": attempt.stream,
        "position": attempt.position,
        "attempt": attempt.number,
        "started_at": attempt.started_at,
        "seconds": round(attempt.seconds, 4),
        "status": attempt.status,
        "error": attempt.error,
        "delivered": attempt.status is not None and 200 <= attempt.status < 300,
        "request": detail.get("request"),
        "response": detail.get("response"),
    }
