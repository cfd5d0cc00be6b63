"""Integrations: an integration with a shop is registered, its calls fail, and it recovers; orders are tied to it."""

from typing import Annotated

from pydantic import Field, StrictBool

from domain.events.event import Event
from domain.events.order_event import OrderEvent
from domain.streams import integration_id_of
from domain.values import (
    OF_ORDER,
    AdditionalData,
    BodyRef,
    JsonObject,
    Name,
    RawObject,
    RawText,
    Sentence,
    Value,
    Whole,
)


class IntegrationEvent(Event):
    """Something that happened to one integration; its stream is integration-<id>."""

    @property
    def integration_id(self) -> int:
        return int(integration_id_of(self.originator_id))


class Registered(IntegrationEvent):
    """The integration was registered, or was described again. details holds further members from the shop system."""

    topic = "integration.registered"
    shop_name: Name | None = None
    shop_url: Sentence | None = None
    details: JsonObject = Field(default_factory=dict)


class FailedCall(Value):
    """The parts of a failed call that can be large. They are kept as a content beside the ledger."""

    base_url: Annotated[RawText | None, Field(min_length=1), OF_ORDER] = None
    full_url: Annotated[RawText | None, OF_ORDER] = None
    response: Annotated[RawObject | None, OF_ORDER] = None
    request: Annotated[RawObject | None, OF_ORDER] = None
    exception: Annotated[RawText | None, OF_ORDER] = None
    additional_data: Annotated[AdditionalData | None, OF_ORDER] = None


class ExceptionLogged(IntegrationEvent):
    """A call to the shop's system failed."""

    topic = "integration.exception_logged"
    base_url: Annotated[RawText, Field(min_length=1), OF_ORDER]
    full_url: Annotated[RawText | None, OF_ORDER] = None
    method: Name | None = None
    response_code: Annotated[Whole | None, Field(ge=0)] = None
    response: Annotated[RawObject | None, OF_ORDER] = None
    request: Annotated[RawObject | None, OF_ORDER] = None
    exception_type: Name | None = None
    exception: Annotated[RawText | None, OF_ORDER] = None
    created_at: Name | None = None
    """The time exactly as the client wrote it; None without one, or if some readers of RFC 3339 cannot read it."""
    additional_data: Annotated[AdditionalData, OF_ORDER] = ""
    is_masked: StrictBool = False
    """Whether secrets in its headers or addresses were masked before it was recorded."""
    content: BodyRef | None = None
    """The place of the FailedCall that holds the large parts; None if there are none."""


class Recovered(IntegrationEvent):
    """The shop's system answers again: the calls that failed before succeed now."""

    topic = "integration.recovered"
    description: Annotated[Sentence | None, OF_ORDER] = None


class IntegrationRedacted(IntegrationEvent):
    """The bodies of the integration's failed calls were erased. Later logs do not undo this."""

    topic = "integration.redacted"


IntegrationNumber = Annotated[Whole, Field(ge=1)]


class IntegrationTied(OrderEvent):
    """The order depends on an integration. The integration's exceptions are in the order's timeline from now on."""

    topic = "order.integration_tied"
    integration_id: IntegrationNumber


class IntegrationUntied(OrderEvent):
    """The order does not depend on the integration any more."""

    topic = "order.integration_untied"
    integration_id: IntegrationNumber
