"""What Carriyo's requests and answers look like."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from domain.events.records import CallDurations, CallTimings, Headers
from domain.values import BigInt, Body, Name

Direction = Literal["INBOUND", "INTERNAL", "OUTBOUND"]


class CallStatistics(CallTimings):
    """When each phase of the call began and ended, as the client's HTTP library prints it."""

    model_config = ConfigDict(strict=True, extra="ignore")


class DurationStatistics(CallDurations):
    """How long each phase of the call took."""

    model_config = ConfigDict(strict=True, extra="ignore", allow_inf_nan=False)


class NewSystemLog(BaseModel):
    """A call; everything is optional, null means unset, and members we do not know are ignored."""

    model_config = ConfigDict(
        strict=True,
        json_schema_extra={
            "examples": [
                {
                    "entity_ids": ["SHP-1"],
                    "carrier_id": "dhl",
                    "correlation_id": "9c1185a5c5e9fc54",
                    "event_type": "OUTBOUND",
                    "request_type": "SHIPMENT_CREATE",
                    "request_time": 1772366400000,
                    "request_method": "POST",
                    "request_url": "https://api.carrier.example/shipments",
                    "request_headers": {"Content-Type": ["application/json"]},
                    "request_body": '{"parcels": 1}',
                    "response_time": 1772366400250,
                    "response_headers": {"Content-Type": ["application/json"]},
                    "response_code": 201,
                    "response_body": '{"id": "SHP-1"}',
                    "duration_statistics": {"total_duration": 250, "connection_reused": True},
                }
            ]
        },
    )
    entity_id: Name | None = Field(None, description="Not read: the entity is the order that the path names.")
    entity_ids: list[Name] | None = None
    carrier_id: Name | None = None
    webhook_id: Name | None = None
    tenant: Name | None = Field(None, description="If set, it must be the tenant of the header.")
    correlation_id: Name | None = None
    event_type: Direction | None = None
    request_type: Name | None = None
    source_type: Name | None = None
    source_id: Name | None = None
    request_time: BigInt | None = Field(None, description="Milliseconds since 1970")
    request_method: Name | None = None
    request_url: Body | None = None
    request_headers: Headers | None = None
    request_body: Body | None = None
    raw_request_body: Body | None = None
    response_time: BigInt | None = Field(None, description="Milliseconds since 1970")
    response_headers: Headers | None = None
    response_code: BigInt | None = None
    response_body: Body | None = None
    call_statistics: CallStatistics | None = None
    duration_statistics: DurationStatistics | None = None


class SystemLog(BaseModel):
    """A call that was logged. identifier sorts like the order in which calls were logged; null means unset."""

    tenant: str
    identifier: str = Field(examples=["0000000000000000042"])
    order_id: str
    correlation_id: str | None
    event_type: Direction | None
    request_type: str | None
    source_type: str | None
    source_id: str | None
    request_time: int | None
    response_time: int | None
    response_code: int | None
    s3_content_key: str | None
    s3_content_bucket: str | None
    details_json: str
