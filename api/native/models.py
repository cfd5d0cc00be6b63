"""The models of native requests and answers."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Discriminator, Field, JsonValue, Tag

from api.http.reading.query import Digits
from application.views.projections.timeline import Kind
from application.views.queries import OrderFilter, TimelineFilter
from domain.order_state import CombinedState, OrderState
from domain.values import FORM, Actor, Customer, Identifier, Moment, Name, OptionalId, Totals

MAX_EVENTS = 1_000
MAX_WAIT_SECONDS = 60


OrderId = Annotated[Identifier, Path(description="The order's id, or its reference", examples=["A-1001"])]
Cursor = Annotated[str | None, Field(max_length=64, description="`next` of the page before")]


class Strict(BaseModel):
    """A model that rejects unknown members."""

    model_config = ConfigDict(extra="forbid")


def _example(**body: JsonValue) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [body]})


def _totals(total: int, *, discount: int) -> JsonValue:
    amounts = {"total": total, "subtotal": total + discount, "discount": discount}
    return {name: {"cents": cents, "currency_iso": "EUR", "dollars": cents / 100} for name, cents in amounts.items()}


def acting(told: Actor | None, caller: Actor) -> Actor:
    """Return the actor: the given one, or else the caller. Without an application, it gets the caller's."""
    if told is None:
        return caller
    actor = told if told.id or told.name or told.type else caller
    return actor.model_copy(update={"application_id": told.application_id or caller.application_id})


class Circumstances(Strict):
    """The actor, the time, and the cause of an event.

    If no actor is given, it is the credential. If no application is given, it is the credential's.
    """

    actor: Actor | None = None
    occurred_at: Moment | None = Field(None, description="When it happened by your clock; when recorded, if left out.")
    correlation_id: OptionalId = None
    causation_id: OptionalId = None

    def envelope(self, default_actor: Actor) -> dict[str, Any]:
        """Return the fields of a domain event's envelope that this sets."""
        said = self.__dict__  # pydantic's models take several times as long to look up an attribute
        given: dict[str, Any] = {"actor": acting(said["actor"], default_actor)}
        if (occurred_at := said["occurred_at"]) is not None:
            given["timestamp"] = occurred_at
        for name in ("event_id", "correlation_id", "causation_id"):
            if (value := said.get(name)) is not None:
                given[name] = value
        return given


class Envelope(Circumstances):
    """The members that your event may have besides its data."""

    event_id: Identifier | None = Field(None, description="Your id for the event: the same id is recorded once.")


class NewOrder(Envelope):
    """An order to create."""

    model_config = _example(
        order_id="A-1001",
        reference="web-77",
        created_by="shop",
        customer={"id": "c-9", "name": "Ann Li"},
        totals=_totals(4_500, discount=500),
    )
    order_id: Identifier | None = Field(None, description="Your id for the order; we make one up if it is left out.")
    reference: Identifier | None = Field(None, description="What a partner calls the order.")
    created_by: Name = ""
    totals: Totals | None = None
    customer: Customer | None = None


class NewEventBody(Envelope):
    """An event to append. Types and their data are listed in docs/events.md."""

    model_config = _example(
        type="order.status_updated",
        data={"status": "confirmed", "reason": "paid"},
        actor={"id": "u-7", "name": "Kim", "type": "User"},
    )
    type: Name
    data: dict[str, Any] = Field(default_factory=dict)  # the type's class checks it, at all levels


class NewEventsBody(Strict):
    """Events to append together or not at all."""

    model_config = _example(
        events=[
            {"type": "order.payment_status_updated", "data": {"status": "paid"}},
            {"type": "order.comment_added", "data": {"text": "Paid by card", "is_private": True}},
        ]
    )
    events: list[NewEventBody] = Field(min_length=1, max_length=MAX_EVENTS)


def _one_or_many(value: Any) -> str:
    return MANY if isinstance(value, NewEventsBody) or (isinstance(value, dict) and "events" in value) else ONE


ONE, MANY = f"{FORM}one event", f"{FORM}many events"
AppendBody = Annotated[
    Annotated[NewEventBody, Tag(ONE)] | Annotated[NewEventsBody, Tag(MANY)], Discriminator(_one_or_many)
]


class NewEdit(Circumstances):
    """The new amounts of an order."""

    model_config = _example(totals=_totals(3_600, discount=400))
    totals: Totals


class NewTransfer(Circumstances):
    """The new customer of an order."""

    model_config = _example(customer={"id": "c-10", "name": "Bo Ek"})
    customer: Customer


class NewSplit(Circumstances):
    """The part of an order that becomes a new order."""

    model_config = _example(order_id="A-1001-2", totals=_totals(900, discount=100))
    order_id: Identifier | None = Field(None, description="The new order's id; we make one up if it is left out.")
    totals: Totals = Field(description="What the new order amounts to; the rest stays with this one.")


class OrderQuery(Strict):
    """Which orders to list."""

    state: CombinedState | None = None
    status: Name | None = None
    updated_from: Moment | None = None
    updated_to: Moment | None = None
    text: Name | None = Field(None, description="Part of an id, a reference, or a customer's id or name")
    cursor: Cursor = None
    limit: Digits = Field(25, ge=1, le=100)

    def wanted(self) -> OrderFilter:
        return OrderFilter(self.state, self.status, self.updated_from, self.updated_to, self.text)


class TimelineQuery(Strict):
    """Which events of an order to list."""

    kind: Kind | None = None
    type: Name | None = None
    correlation_id: OptionalId = Field(None, description="Only what belongs together")
    from_: Moment | None = Field(None, alias="from", description="Occurred at or after")
    to: Moment | None = Field(None, description="Occurred before")
    order: Literal["asc", "desc"] = "asc"
    cursor: Cursor = None
    limit: Digits = Field(50, ge=1, le=100)
    wait: Digits = Field(
        0, ge=0, le=MAX_WAIT_SECONDS, description="How many seconds an empty page waits for its first event"
    )

    def wanted(self) -> TimelineFilter:
        return TimelineFilter(self.kind, self.type, self.correlation_id, self.from_, self.to, self.order)


class EventRef(BaseModel):
    """Where a recorded event stands."""

    event_id: str
    type: str
    version: int
    position: int


class RecordedBody(BaseModel):
    """What a request recorded; version is the order's version after it."""

    order_id: str
    version: int
    items: list[EventRef]
    recorded_at: datetime


class IntegrationRecorded(BaseModel):
    """A registered integration."""

    integration_id: int
    version: int
    position: int


Unreadable = Annotated[
    str | None,
    Field(
        description="Only there if some of it cannot be read: what, and why. [unreadable] stands in its place.",
        examples=["customer.id, customer.name: the key of order-A-1001 is damaged"],
    ),
]


class OrderBody(OrderState):
    """An order as its events have made it. state combines all services, and a failure is never cleared."""

    order_id: str
    state: CombinedState
    unreadable: Unreadable = None


class OrderList(BaseModel):
    """Orders, the newest first."""

    items: list[OrderBody]
    next: str | None = Field(description="The cursor of the next page; null on the last.")


class TimelineItem(BaseModel):
    """One event of an order, or of an integration that it is tied to; version is that of the event's own stream."""

    position: int
    version: int
    group: int = Field(description="The position of the first event here with the same correlation id; its own if none")
    kind: str
    type: str
    event_id: str
    occurred_at: datetime
    recorded_at: datetime
    actor: Actor
    correlation_id: str | None
    causation_id: str | None
    data: dict[str, Any] | None = Field(description="Null if it cannot be read: then unreadable says why.")
    hint: str | None = Field(None, description="What mends an integration's failed call; only those have one.")
    unreadable: Unreadable = None


class Timeline(BaseModel):
    """An order's events in ledger order."""

    items: list[TimelineItem]
    next: str | None = Field(description="The cursor of the next page; null on the last.")
