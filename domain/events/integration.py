"""An integration with a shop is registered, its calls go wrong, and it recovers; orders are tied to it."""

from typing import Annotated

from pydantic import Field, StrictBool

from domain.events.event import Event
from domain.events.order_event import OrderEvent
from domain.streams import integration_id_of
from domain.values import OF_ORDER, BodyRef, JsonObject, Name, RawObject, RawText, Sentence, Value, Whole


class IntegrationEvent(Event):
    """Something that happened to one integration; its stream is integration-<id>."""

    @property
    def integration_id(self) -> int:
        return int(integration_id_of(self.originator_id))


class Registered(IntegrationEvent):
    """The integration became known, or was described anew; its details are whatever the shop system has to say."""

    topic = "integration.registered"
    shop_name: Name | None = None
    shop_url: Sentence | None = None
    details: JsonObject = Field(default_factory=dict)


class FailedCall(Value):
    """What a call that failed has in it that is large. It is kept as a content beside the ledger."""

    base_url: Annotated[RawText | None, Field(min_length=1), OF_ORDER] = None
    full_url: Annotated[RawText | None, OF_ORDER] = None
    response: Annotated[RawObject | None, OF_ORDER] = None
    request: Annotated[RawObject | None, OF_ORDER] = None
    exception: Annotated[RawText | None, OF_ORDER] = None
    additional_data: Annotated[RawObject | RawText | None, OF_ORDER] = None


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
    """When it happened, exactly as the client wrote it; None if the client left it to us, or how to write it."""
    additional_data: Annotated[RawObject | RawText, OF_ORDER] = ""
    is_masked: StrictBool = False
    """Whether secrets in its headers or addresses were masked before it was recorded."""
    content: BodyRef | None = None
    """Where the FailedCall is kept that holds what is too large for an event; there is none if nothing is."""


class Recovered(IntegrationEvent):
    """The shop's system answers again: whatever failed before does not fail any more."""

    topic = "integration.recovered"
    description: Annotated[Sentence | None, OF_ORDER] = None


class IntegrationRedacted(IntegrationEvent):
    """What was said in the integration's failed calls was erased; it stays so, whatever it logs later."""

    topic = "integration.redacted"


IntegrationNumber = Annotated[Whole, Field(ge=1)]


class IntegrationTied(OrderEvent):
    """The order depends on an integration: what goes wrong there from now on is part of the order's story."""

    topic = "order.integration_tied"
    integration_id: IntegrationNumber


class IntegrationUntied(OrderEvent):
    """The order does not depend on the integration any more."""

    topic = "order.integration_untied"
    integration_id: IntegrationNumber
