"""The models of Dintero's requests and answers."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from domain.events.records import ServiceState
from domain.order_state import CombinedState
from domain.values import Identifier, JsonObject, Name, Sentence

TOKEN_SECONDS = 86_400

AccountId = Annotated[
    str,
    StringConstraints(pattern=r"^[PT][0-9]{8}$"),
    Path(description="An id that uniquely identifies the account.", examples=["T12345678"]),
]
OwnerId = Annotated[
    str,
    # This is Dintero's ^[PT]{1}(?=(?:.{3}|.{8})$)[0-9]*$ without the look-ahead.
    StringConstraints(pattern=r"^[PT]([0-9]{3}|[0-9]{8})$"),
    Path(description="An id that uniquely identifies the account or owner (partner).", examples=["T12345678"]),
]
OrderId = Annotated[
    Identifier,
    Path(description="The resource identifier string: the order's id, or its reference", examples=["A-1001"]),
]
# Clients that change their host may also change it here, so any host is accepted.
Audience = Annotated[
    str, StringConstraints(max_length=2_000, pattern=r"^https?://[^/?#\s\x00]+/v1/accounts/[PT][0-9]{8}/?$")
]
EventId = Annotated[Identifier, Field(max_length=40)]
Scopes = Annotated[str, StringConstraints(max_length=2_000, pattern=r"^[!-~]+( [!-~]+)*$")]


class DinteroTokenRequest(BaseModel):
    """The request for a token."""

    grant_type: Literal["client_credentials"] = "client_credentials"
    audience: Audience = Field(
        description="The unique identifier of the target API you want to access.",
        examples=["https://api.dintero.com/v1/accounts/T12345678"],
    )
    scope: Scopes | None = Field(
        None, description="The scopes the token is to have, with spaces between them; if left out, the credential's."
    )


class DinteroToken(BaseModel):
    """A token for the header Authorization; it is valid for expires_in seconds."""

    access_token: str = Field(description="A JWT access token", examples=["eyJhbGci...t7P4"])
    token_type: Literal["Bearer"]
    expires_in: int = Field(examples=[TOKEN_SECONDS])


_METADATA: dict[str, Any] = {
    "pickup_location": {"latitude": 37.42242, "longitude": -122.08585, "postal_code": "0342", "address": "Smallwei"}
}


class ServiceReport(BaseModel):
    """A service's report."""

    state: ServiceState = Field(ServiceState.SUCCESS, description="The state of the event")
    service: Name = Field(description="The type of service used, used to differentiate this status from other services")
    service_status: Name = Field(description="The status reported by the service", examples=["ready_for_pickup"])
    description: Sentence | None = Field(
        None, description="A short description of the reason for the status", examples=["food prepared"]
    )
    metadata: JsonObject | None = Field(
        None, description="Additional service data related to the event", examples=[_METADATA]
    )


class NewOrderEvent(ServiceReport):
    """A service's report. Other members are ignored, also created_at and created_by, which are read-only."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "state": "success",
                    "service": "kitchen",
                    "service_status": "ready_for_pickup",
                    "description": "food prepared",
                    "metadata": _METADATA,
                }
            ]
        }
    )
    id: EventId | None = Field(
        None, description="The resource ID. Defaults to UUID v4. The same event with the same id is recorded once."
    )


class OrderStatusEvent(ServiceReport):
    """A service's report as it was recorded."""

    id: str = Field(description="The resource ID.", examples=["bd04c959-d159-49b4-a096-2d84e014a8da"])
    created_at: datetime = Field(description="The date-time when the resource was created")
    created_by: str | None = Field(
        None, description="The ID of the user/client created the resource", examples=["5f0c1d2e3b4a59687786a5b4"]
    )
    version: int = Field(description="The version of the order with this event", examples=[2])


class DinteroErrorDetail(BaseModel):
    """What went wrong."""

    code: str = Field(examples=["NOT FOUND"])
    message: str
    errors: list[dict[str, Any]] = []


class DinteroError(BaseModel):
    """What went wrong."""

    error: DinteroErrorDetail


class ApiRequest(BaseModel):
    """The request that caused the action."""

    method: str = Field(examples=["POST"])
    path: str = Field(examples=["/trail/v1/orders/A-1001/events"])
    body: str | None = Field(
        None,
        description="What it did, as JSON in our words, without what is personal or long",
        examples=['{"status":"paid"}'],
    )


class ApiEvent(BaseModel):
    """An action on the order through an API."""

    id: str = Field(description="The resource ID.", examples=["bd04c959-d159-49b4-a096-2d84e014a8da"])
    created_at: datetime = Field(description="The date-time when the resource was created")
    created_by: str | None = Field(None, description="The ID of the user/client created the resource")
    version: int = Field(description="The version of the resource when the request was done.", examples=[2])
    request: ApiRequest | None = Field(None, description="Included in events that were created by a request.")


class OrderEvents(BaseModel):
    """The latest events of an order, newest first, and the combined state of all services' reports.

    They are the newest 100 events, and the newest 100 reports: no action pushes a report out.
    """

    events: list[OrderStatusEvent | ApiEvent]
    state: CombinedState
