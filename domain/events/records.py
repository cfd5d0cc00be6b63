"""What services report about an order: their state, and the HTTP calls they made."""

from enum import StrEnum
from typing import Annotated

from pydantic import StrictBool

from domain.events.order_event import OrderEvent
from domain.values import OF_ORDER, BodyRef, JsonObject, Name, Number, OptionalId, RawText, Sentence, Value, Whole


class ServiceState(StrEnum):
    """How a service reports that an order is doing."""

    ERROR = "error"
    FAILURE = "failure"
    SUCCESS = "success"
    PENDING = "pending"


class ServiceEventRecorded(OrderEvent):
    """A service reported its state; its newest report is its status line."""

    topic = "order.service_event_recorded"
    state: ServiceState
    service: Name
    service_status: Name
    description: Annotated[Sentence | None, OF_ORDER] = None
    metadata: Annotated[JsonObject | None, OF_ORDER] = None


class CallDirection(StrEnum):
    """The side that made the call."""

    INBOUND = "inbound"
    INTERNAL = "internal"
    OUTBOUND = "outbound"


Headers = dict[Name, list[RawText]]
"""Header name -> its values."""


class CallTimings(Value):
    """When each phase of a call began and ended, in whatever form the client's HTTP library prints it."""

    call_start: Name | None = None
    dns_start: Name | None = None
    dns_end: Name | None = None
    connect_start: Name | None = None
    secure_connect_start: Name | None = None
    secure_connect_end: Name | None = None
    connect_end: Name | None = None
    connection_acquired: Name | None = None
    request_headers_start: Name | None = None
    request_headers_end: Name | None = None
    request_body_start: Name | None = None
    request_body_end: Name | None = None
    response_headers_start: Name | None = None
    response_headers_end: Name | None = None
    response_body_start: Name | None = None
    response_body_end: Name | None = None
    connection_released: Name | None = None
    call_end: Name | None = None


class CallDurations(Value):
    """How long each phase of a call took, in the unit of the client that measured it (milliseconds by custom)."""

    dns_lookup_duration: Number | None = None
    tcp_connection_duration: Number | None = None
    tls_handshake_duration: Number | None = None
    sending_request_duration: Number | None = None
    wait_response_duration: Number | None = None
    receive_response_duration: Number | None = None
    overhead_duration: Number | None = None
    total_duration: Number | None = None
    connection_reused: StrictBool | None = None


class Call(Value):
    """The content of an HTTP call. It can be large, so it is kept beside the ledger."""

    request_headers: Headers | None = None
    request_body: Annotated[RawText | None, OF_ORDER] = None
    raw_request_body: Annotated[RawText | None, OF_ORDER] = None
    response_headers: Headers | None = None
    response_body: Annotated[RawText | None, OF_ORDER] = None
    timings: CallTimings | None = None
    durations: CallDurations | None = None


class SystemLogRecorded(OrderEvent):
    """An HTTP call about the order was made; its times are as the caller reported them, in milliseconds or seconds."""

    topic = "order.system_log_recorded"
    direction: CallDirection | None = None
    request_type: Name | None = None
    entity_ids: list[Name] | None = None
    carrier_id: OptionalId = None
    webhook_id: OptionalId = None
    source_type: OptionalId = None
    source_id: OptionalId = None
    request_time: Whole | None = None
    request_method: Name | None = None
    request_url: Annotated[RawText | None, OF_ORDER] = None
    response_time: Whole | None = None
    response_code: Whole | None = None
    content: BodyRef | None = None
    """The place of the Call."""
