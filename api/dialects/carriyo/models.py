"""The models of Carriyo's requests and answers."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.http.reading.query import Digits
from application.views.queries import CallFilter
from domain.events.records import CallDurations, CallTimings, Headers
from domain.values import Name, OptionalId, RawText, Whole

Direction = Literal["INBOUND", "INTERNAL", "OUTBOUND"]
ReferenceKind = Literal["order_id", "partner_order_reference"]

TIME = "Milliseconds since 1970; a number below 100,000,000,000 is in seconds"
MAX_PAGE = 10_000
MAX_ROWS = 100


class CallStatistics(CallTimings):
    """When each phase of the call began and ended, in the form of the client's HTTP library."""

    model_config = ConfigDict(strict=True, extra="ignore")


class DurationStatistics(CallDurations):
    """How long each phase of the call took."""

    model_config = ConfigDict(strict=True, extra="ignore", allow_inf_nan=False)


class NewSystemLog(BaseModel):
    """A call. All members are optional, null means unset, and unknown members are ignored."""

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
    carrier_id: OptionalId = None
    webhook_id: OptionalId = None
    tenant: OptionalId = Field(None, description="If set, it must be the tenant of the header.")
    correlation_id: OptionalId = None
    event_type: Direction | None = None
    request_type: Name | None = None
    source_type: OptionalId = None
    source_id: OptionalId = None
    request_time: Whole | None = Field(None, description=TIME)
    request_method: Name | None = None
    request_url: RawText | None = None
    request_headers: Headers | None = None
    request_body: RawText | None = None
    raw_request_body: RawText | None = None
    response_time: Whole | None = Field(None, description=TIME)
    response_headers: Headers | None = None
    response_code: Whole | None = None
    response_body: RawText | None = None
    call_statistics: CallStatistics | None = None
    duration_statistics: DurationStatistics | None = None


class SystemLog(BaseModel):
    """A logged call. Identifiers sort in the order in which calls were logged; null means unset."""

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


ResponseCode = Annotated[str, StringConstraints(pattern=r"^(-?[0-9]{1,18}|[0-9][xX]{2})$")]


class SystemLogQuery(BaseModel):
    """The calls to list. All filters must match."""

    key: ReferenceKind = Field("order_id", description="What reference is")
    correlation_id: OptionalId = Field(None, alias="correlationId")
    carrier_id: OptionalId = Field(None, alias="carrierId")
    event_type: Direction | None = Field(None, alias="eventType")
    request_type: Name | None = Field(None, alias="requestType")
    response_code: ResponseCode | None = Field(None, alias="responseCode", description="Such as 404, or 5xx")
    page_num: Digits = Field(1, alias="pageNum", ge=1, le=MAX_PAGE)
    rows_per_page: Digits = Field(10, alias="rowsPerPage", ge=1, le=MAX_ROWS)

    def wanted(self) -> CallFilter:
        response_from, response_to = _codes(self.response_code)
        return CallFilter(
            correlation_id=self.correlation_id,
            carrier_id=self.carrier_id,
            direction=self.event_type and self.event_type.lower(),
            request_type=self.request_type,
            response_from=response_from,
            response_to=response_to,
        )


def _codes(code: str | None) -> tuple[int | None, int | None]:
    """Return the first and the last code of a class such as 5xx, or of a single code."""
    if code is None:
        return None, None
    return int(code.lower().replace("x", "0")), int(code.lower().replace("x", "9"))


class ChangeLog(BaseModel):
    """An action on an order. changes has its own shape for each kind of action; null means unset."""

    tenant: str
    identifier: str = Field(examples=["0000000000000000042"])
    order_id: str
    log_date: str = Field(description="When it was done", examples=["2026-03-01T12:00:00.000+00:00"])
    change_type: str = Field(description="What was done", examples=["STATUS_UPDATED"])
    changes: dict[str, Any] = Field(examples=[{"status": "processing", "reason": "paid"}])
    user_id: str
    user_name: str
    user_type: str
    source: str | None = Field(description="The application it was done with")
    correlation_id: str | None


class CarriyoOrder(BaseModel):
    """An order. Fields that we do not know are null."""

    tenant: str
    order_id: str
    merchant: None
    partner_order_reference: str | None
    language: None
    order_date: str | None = Field(examples=["2026-03-01T12:00:00.000+00:00"])
    sales_channel: None
    creation_source: str | None
    update_source: None
    carriyo_metadata: None
    status: str | None
    auto_allocation_failed: None
    cancellation_reason: None
    billing_address: None
    customer: None = Field(description="It was erased.")
    customer_key: None
    payment: None
    redacted: bool
    taxes_included: None
    duties_included: None
    discount_applications: None
    line_items: None
    fulfillment_orders: None
    shipping_lines: None
    error_details: None
    creation_date: str | None
    update_date: str | None
