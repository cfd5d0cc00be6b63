"""An integration with a shop is registered, and its calls go wrong."""

from typing import Annotated

from pydantic import Field

from domain.events.event import Event
from domain.values import OF_ORDER, BigInt, Body, JsonObject, Name, Sentence


class IntegrationEvent(Event):
    """Something that happened to one integration; its stream is integration-<id>."""

    @property
    def integration_id(self) -> int:
        return int(self.originator_id.removeprefix("integration-"))


class Registered(IntegrationEvent):
    """The integration became known, or was described anew; its details are whatever the shop system has to say."""

    topic = "integration.registered"
    shop_name: Name | None = None
    shop_url: Sentence | None = None
    details: JsonObject = Field(default_factory=dict)


class ExceptionLogged(IntegrationEvent):
    """A call to the shop's system failed."""

    topic = "integration.exception_logged"
    base_url: Annotated[Body, Field(min_length=1)]
    full_url: Annotated[Body | None, OF_ORDER] = None
    method: Name | None = None
    response_code: Annotated[BigInt | None, Field(ge=0)] = None
    response: Annotated[JsonObject | None, OF_ORDER] = None
    request: Annotated[JsonObject | None, OF_ORDER] = None
    exception_type: Name | None = None
    exception: Body | None = None
    created_at: Name | None = None
    """When it happened, exactly as the client wrote it; None if the client left it to us."""
    additional_data: Annotated[JsonObject | Body, OF_ORDER] = ""
    is_masked: bool = False
    """Whether secrets in its headers were masked before it was recorded."""
