"""The models of Sendcloud's requests and answers."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from api.dialects.sendcloud.times import instant
from domain.values import Name, RawText, Whole, raw_json

LOG: dict[str, Any] = {
    "base_url": "https://example.com",
    "full_url": "https://example.com/order-note.json",
    "method": "POST",
    "response_code": 495,
    "response": {
        "headers": {
            "Cache-Control": "max-age=3600",
            "Content-Type": "text/html; charset=utf-8",
            "Connection": "keep-alive",
        },
        "body": "<!doctype html>\n<html>\n <head>\n <title>SSL Certificate Error</title>\n </head>\n </html>\n",
    },
    "request": {
        "headers": {
            "Cache-Control": "max-age=3600",
            "Content-Type": "text/html; charset=utf-8",
            "Connection": "keep-alive",
        },
        "payload": {"order_note": {"note": "Success"}},
    },
    "created_at": "2023-03-01T02:02:00+01:00",
    "exception_type": "requests.exceptions.SSLError",
    "exception": "An SSL error occurred",
}
"""The vendor's own example."""

INTEGRATION: dict[str, Any] = {
    "id": 23452345,
    "shop_name": "Integration #1",
    "shop_url": "https://www.my-shop-integration.com/",
    "type": "api",
    "started_failing_at": "2023-11-10T16:16:42Z",
    "last_fetched_at": "2023-11-10T16:15:09Z",
    "created_at": "2023-11-04T14:15:22Z",
    "updated_at": "2023-11-08T12:23:56Z",
    "service_point_enabled": True,
    "service_point_carriers": ["ups", "dhl"],
    "webhook_active": True,
    "webhook_url": "https://my-shop-integration.integrator/api/webhooks/sendcloud",
    "feedback_type": "eager",
}
"""The vendor's own example."""


def _not_null(value: Any) -> Any:
    if value is None:
        raise PydanticCustomError("null", "This field may not be null.")
    return value


def _object_or_null(value: Any) -> Any:
    if not isinstance(value, dict | None):
        raise PydanticCustomError("type", "Input should be an object or null")
    return value


def _object_text_or_null(value: Any) -> Any:
    if not isinstance(value, dict | str | None):
        raise PydanticCustomError("type", "Input should be an object, a string or null")
    return value


def _date_time(value: str) -> str:
    instant(value)
    return value


# These are plain functions instead of unions, so that a wrong value is one fault and not one for each member.
ObjectOrNull = Annotated[
    Any, AfterValidator(_object_or_null), WithJsonSchema({"anyOf": [{"type": "object"}, {"type": "null"}]})
]
ObjectTextOrNull = Annotated[
    Any,
    AfterValidator(_object_text_or_null),
    WithJsonSchema({"anyOf": [{"type": "object"}, {"type": "string"}, {"type": "null"}]}),
]
DateTime = Annotated[Name, AfterValidator(_date_time), Field(json_schema_extra={"format": "date-time"})]


class Response(BaseModel):
    """The answer of the shop's system. Further members are kept."""

    model_config = ConfigDict(extra="allow")
    headers: ObjectOrNull = None
    body: ObjectTextOrNull = None


class LoggedRequest(BaseModel):
    """The request to the shop's system. Further members are kept."""

    model_config = ConfigDict(extra="allow")
    headers: ObjectTextOrNull = None
    payload: ObjectTextOrNull = None


class NewLog(BaseModel):
    """An exception log to create. Unknown members are rejected."""

    model_config = ConfigDict(strict=True, extra="forbid", json_schema_extra={"examples": [LOG]})
    base_url: Annotated[RawText, Field(min_length=1, description="Base shop URL"), BeforeValidator(_not_null)]
    full_url: RawText | None = None
    method: Name | None = ""
    response_code: Annotated[Whole, Field(ge=0)] | None = None
    response: Annotated[Response | None, BeforeValidator(raw_json)] = None
    request: Annotated[LoggedRequest | None, BeforeValidator(raw_json)] = None
    created_at: DateTime | None = Field(None, description="When it happened; now, if it is not given.")
    exception_type: Name | None = None
    exception: RawText | None = None


class Log(BaseModel):
    """An exception log. protected tells that secrets in its headers or addresses were masked."""

    id: int = Field(ge=1)
    integration_id: int | None = Field(ge=1)
    base_url: str
    full_url: str | None
    method: str
    response_code: int | None
    response: Response | None
    request: LoggedRequest | None
    created_at: datetime
    exception_type: str | None
    exception: str | None
    protected: bool
    additional_data: dict[str, Any] | str


class LogCreated(BaseModel):
    """The exception log that was created."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"data": {"id": 123, "integration_id": 123, **LOG, "protected": False, "additional_data": ""}}]
        }
    )
    data: Log


class LogList(BaseModel):
    """A page of exception logs, the newest first."""

    data: list[Log]


class Integration(BaseModel):
    """An integration. started_failing_at is the time of the first failed call since it last worked; null while it
    works.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [INTEGRATION]})
    id: int = Field(ge=1)
    shop_name: str
    shop_url: str = Field(default_factory=str, description="Left out if none was registered")
    type: str
    started_failing_at: datetime | None
    last_fetched_at: datetime | None
    created_at: datetime
    updated_at: datetime
    service_point_enabled: bool
    service_point_carriers: list[str]
    webhook_active: bool
    webhook_url: str | None
    feedback_type: Literal["eager", "delayed", "none"]


class IntegrationAnswer(BaseModel):
    """One integration."""

    data: Integration


class IntegrationList(BaseModel):
    """All integrations."""

    data: list[Integration]
