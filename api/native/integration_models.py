"""The models of native requests about integrations, and of their answers."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from api.native.models import Cursor, NewEventBody, Strict, Unreadable
from domain.values import Actor


class NewIntegrationEvent(NewEventBody):
    """An event of an integration: integration.recovered."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"type": "integration.recovered", "data": {"description": "The certificate was renewed"}}]
        }
    )


class ExceptionQuery(Strict):
    """Which of an integration's failed calls to list."""

    cursor: Cursor = None
    limit: int = Field(25, ge=1, le=100)


class IntegrationBody(BaseModel):
    """An integration. started_failing_at is the time of its first failed call since it last recovered."""

    integration_id: int
    version: int
    shop_name: str | None
    shop_url: str | None
    details: dict[str, Any]
    started_failing_at: datetime | None
    created_at: datetime
    updated_at: datetime


class ExceptionItem(BaseModel):
    """A failed call; hint says how to mend it, null if we do not know."""

    position: int
    version: int
    kind: str
    type: str
    event_id: str
    occurred_at: datetime
    recorded_at: datetime
    actor: Actor
    correlation_id: str | None
    causation_id: str | None
    data: dict[str, Any] | None = Field(description="Null if it cannot be read: then unreadable says why.")
    hint: str | None
    unreadable: Unreadable = None


class ExceptionList(BaseModel):
    """Failed calls of an integration, the newest first."""

    items: list[ExceptionItem]
    next: str | None = Field(description="The cursor of the next page; null on the last.")
