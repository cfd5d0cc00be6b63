"""The AsyncAPI document: what streams and webhooks send, beside the OpenAPI document of what is asked and answered."""

from datetime import datetime
from functools import cache
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic.json_schema import models_json_schema

from api.http.accept import EVENT_STREAM, NDJSON
from api.http.reading.json_text import to_json
from api.http.requests import Json
from api.native.following.feed import CloudEvent, FeedQuery
from api.native.models import TimelineItem, TimelineQuery
from application.delivery.follower import End

PATH = "/trail/v1/asyncapi.json"
_REF = "#/components/schemas/{model}"
_ENDS: list[JsonValue] = [end.word for end in End]


class Heartbeat(BaseModel):
    """A stream is alive. There is nothing more up to next that its filter wants."""

    next: int = Field(description="The position to go on after")


class EndOfStream(BaseModel):
    """The last message of a stream."""

    end: str = Field(description="Why it ended", json_schema_extra={"enum": _ENDS})
    detail: str
    next: int = Field(description="The position to go on after")


class WebhookData(BaseModel):
    """What a webhook says of an event; more of it, if the webhook was made with data."""

    model_config = ConfigDict(extra="allow")
    id: str
    source: str
    subject: str
    type: str
    time: datetime
    position: int
    streamversion: int
    recordedtime: datetime
    partition: int
    previousposition: int | None = Field(description="The wanted event before it in its partition, if that is known")


class WebhookMessage(BaseModel):
    """A message of a webhook, in the form of Standard Webhooks."""

    type: str = Field(description="The event's type")
    timestamp: datetime = Field(description="When it was recorded")
    data: WebhookData


class WebhookHeaders(BaseModel):
    """The signature of a message."""

    id: str = Field(alias="webhook-id", description="The same whenever this event is sent")
    timestamp: str = Field(alias="webhook-timestamp", description="When it was sent, in seconds since 1970")
    signature: str = Field(alias="webhook-signature", description="v1,… (HMAC-SHA-256) and v1a,… (Ed25519)")


_MODELS = (CloudEvent, TimelineItem, Heartbeat, EndOfStream, WebhookMessage, WebhookHeaders, FeedQuery, TimelineQuery)

router = APIRouter(prefix="/trail/v1", include_in_schema=False)


@router.get("/asyncapi.json")
async def get_asyncapi() -> Json:
    """Return the AsyncAPI document."""
    return Json(_document())


@cache
def _document() -> bytes:
    return to_json(document())


def document() -> dict[str, Any]:
    """Return the AsyncAPI document."""
    _, schemas = models_json_schema([(model, "serialization") for model in _MODELS], ref_template=_REF)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Ordertrail",
            "version": "1",
            "description": "What streams and webhooks send. What is asked and answered is in /openapi.json.",
        },
        "defaultContentType": "application/json",
        "servers": {
            "ordertrail": {
                "host": "localhost:8080",
                "protocol": "http",
                "security": [{"$ref": "#/components/securitySchemes/token"}],
            }
        },
        "channels": {
            "feed": _stream("/trail/v1/feed", "A tenant's ledger, and what comes", "event"),
            "timeline": {
                **_stream("/trail/v1/orders/{order_id}/timeline", "What happened to an order, and what comes", "item"),
                "parameters": {"order_id": {"description": "The order's id, or its reference"}},
            },
            "webhook": {
                "address": None,
                "title": "The URL of a webhook",
                "servers": [],
                "messages": {"webhook": {"$ref": "#/components/messages/webhook"}},
            },
        },
        "operations": {
            "sendFeed": _sends("feed", "GET", query="FeedQuery"),
            "sendTimeline": _sends("timeline", "GET", query="TimelineQuery"),
            "sendWebhook": _sends("webhook", "POST"),
        },
        "components": {
            "messages": {
                "event": _message("CloudEvent", "An event. Its position is the id of the server-sent event."),
                "item": _message("TimelineItem", "An entry of a timeline. Its position is the id."),
                "heartbeat": _message("Heartbeat", "As a server-sent event, it has an id and no data."),
                "end": _message("EndOfStream", "As a server-sent event, it is of the type end."),
                "webhook": {
                    **_message("WebhookMessage", "One event, sent until it is answered with a 2xx."),
                    "headers": {"$ref": _REF.format(model="WebhookHeaders")},
                },
            },
            "schemas": schemas["$defs"],
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _stream(address: str, title: str, item: Literal["event", "item"]) -> dict[str, Any]:
    forms = f"As {EVENT_STREAM} or as {NDJSON}, by the header Accept; Last-Event-ID resumes."
    messages = {name: {"$ref": f"#/components/messages/{name}"} for name in (item, "heartbeat", "end")}
    return {"address": address, "title": title, "description": forms, "messages": messages}


def _sends(channel: str, method: str, *, query: str | None = None) -> dict[str, Any]:
    http: dict[str, Any] = {"method": method, "bindingVersion": "0.3.0"}
    if query is not None:
        http["query"] = {"$ref": _REF.format(model=query)}
    return {"action": "send", "channel": {"$ref": f"#/channels/{channel}"}, "bindings": {"http": http}}


def _message(model: str, summary: str) -> dict[str, Any]:
    return {"summary": summary, "payload": {"$ref": _REF.format(model=model)}}
