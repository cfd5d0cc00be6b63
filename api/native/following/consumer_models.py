"""The models of consumers, and how they are shown."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, Tag

from api.http.problems import Fault, InvalidRequest
from api.http.reading.query import Digits
from api.native.models import Strict
from application.delivery.consumers import Consumer, ConsumerSettings, HeldStream, Progress
from application.delivery.consuming import ConsumerState, Start
from application.delivery.filters import EventFilter
from domain.values import FORM, Identifier, Moment, Name, Whole

MAX_NAMES = 100

ConsumerName = Annotated[Identifier, Path(description="The consumer's name", examples=["billing"])]
Names = Annotated[list[Name], Field(max_length=MAX_NAMES)]
Beginning = (
    Annotated[Literal["start", "now"], Tag(f"{FORM}a word")] | Annotated[Whole, Field(ge=0), Tag(f"{FORM}a position")]
)
StreamName = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^\x00]*$", examples=["order-A-1001"])]


class Filter(Strict):
    """Which events are wanted. What is left out does not restrict; what several members say holds together."""

    types: Names = Field([], description="Types of events", examples=[["order.status_updated"]])
    orders: list[Identifier] = Field([], max_length=MAX_NAMES, description="Ids of orders")
    services: Names = Field([], description="Services: only their reports, no other events")
    integrations: list[Annotated[Whole, Field(ge=1)]] = Field([], max_length=MAX_NAMES)

    def wanted(self) -> EventFilter:
        return EventFilter(
            frozenset(self.types), frozenset(self.orders), frozenset(self.services), frozenset(self.integrations)
        )


class NewConsumer(Strict):
    """A consumer: what it wants, where it begins, and how patient it is."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"from": "now", "filter": {"types": ["order.status_updated"]}}]}
    )
    from_: Beginning = Field(
        "now",
        alias="from",
        description="With the first event, with the next, or after a position; a consumer that exists stays.",
    )
    filter: Filter = Field(default_factory=Filter)
    max_failures: Annotated[Whole, Field(ge=1, le=1_000)] = Field(
        5, description="An event that was refused so often in a row is parked."
    )
    lease_seconds: Annotated[Whole, Field(ge=5, le=3_600)] = Field(
        30, description="A member that says nothing for so long loses its partitions."
    )

    def settings(self) -> ConsumerSettings:
        return ConsumerSettings(self.filter.wanted(), self.max_failures, timedelta(seconds=self.lease_seconds))


class NewPlace(Strict):
    """Where to go on: after a position, or with the first event recorded at or after a time. One of them."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"position": 0}, {"time": "2026-11-01T00:00:00Z"}]})
    position: Annotated[Whole, Field(ge=0)] | None = None
    time: Moment | None = None

    def start(self) -> Start:
        """Return where that is. Raises InvalidRequest unless one of them is said."""
        if (self.position is None) == (self.time is None):
            raise InvalidRequest(Fault(("body",), "names neither a position nor a time, or both", "one_of"))
        return self.time if self.position is None else self.position  # type: ignore[return-value]  # it is no None


class RetryBody(Strict):
    """Which order to try again; all parked ones, if none is named."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"subject": "order-A-1001"}, {}]})
    subject: StreamName | None = None


class DropBody(Strict):
    """What to pass over: the refused event of an order, or all of the order's events up to a position."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"subject": "order-A-1001"}]})
    subject: StreamName
    upto: Annotated[Whole, Field(ge=1)] | None = None


class ConsumersQuery(Strict):
    """Which consumers to list."""

    cursor: Identifier | None = None
    limit: Digits = Field(25, ge=1, le=100)


class ParkedQuery(Strict):
    """Which orders to list: those that are parked, or those whose event will be tried again by itself."""

    state: Literal["parked", "waiting"] = "parked"
    cursor: Annotated[str | None, Field(max_length=255, pattern=r"^[^\x00]*$")] = None
    limit: Digits = Field(25, ge=1, le=100)


class ConsumerBody(BaseModel):
    """A consumer, and how far it has come. Its slowest partition counts."""

    name: str
    filter: Filter
    max_failures: int
    lease_seconds: int
    paused: bool
    created_at: datetime
    position: int = Field(description="Everything up to here is acknowledged, or its order waits or is parked.")
    head: int = Field(description="The position of the ledger's newest event")
    lag_events: int
    lag_seconds: float = Field(description="The age of the first event after position")
    waiting: int = Field(description="Orders with a refused event that will be tried again")
    parked: int = Field(description="Orders that wait for somebody to decide")


class MemberBody(BaseModel):
    """A member of a consumer, and what it owns until its lease ends."""

    member: str
    joined_at: datetime
    lease_expires_at: datetime
    partitions: list[int]


class PartitionBody(BaseModel):
    """A partition of a consumer."""

    partition: int
    position: int
    token: int
    member: str | None


class WholeConsumer(ConsumerBody):
    """A consumer with its members and partitions."""

    members: list[MemberBody]
    partitions: list[PartitionBody]


class ConsumerList(BaseModel):
    """Consumers by name."""

    items: list[ConsumerBody]
    next: str | None = Field(description="The cursor of the next page; null on the last.")


class ParkedOrder(BaseModel):
    """An order with an event that was refused. Its later events wait with it."""

    subject: str
    partition: int
    position: int | None = Field(description="The refused event's; null if the order was told to go on since.")
    event_id: str | None
    type: str | None
    failures: int
    reason: str
    held_since: datetime
    retry_at: datetime
    parked_at: datetime | None
    events: int = Field(description="How many of its events wait, at most 1000")


class ParkedList(BaseModel):
    """Orders by name."""

    items: list[ParkedOrder]
    next: str | None = Field(description="The cursor of the next page; null on the last.")


class Retried(BaseModel):
    """How many orders will be tried again."""

    orders: int


class Place(BaseModel):
    """The position after which a consumer goes on."""

    position: int


def consumer_body(consumer: Consumer, progress: Progress) -> dict[str, Any]:
    """Return a consumer as it is shown."""
    settings = consumer.settings
    return {
        "name": consumer.name,
        "filter": filter_body(settings.wanted),
        "max_failures": settings.max_failures,
        "lease_seconds": int(settings.lease.total_seconds()),
        "paused": consumer.is_paused,
        "created_at": consumer.created_at,
        **progress_body(progress),
    }


def filter_body(wanted: EventFilter) -> dict[str, Any]:
    """Return a filter as it is shown."""
    return {name: sorted(values) for name, values in wanted._asdict().items()}


def progress_body(progress: Progress) -> dict[str, Any]:
    """Return how far a consumer has come, as it is shown."""
    return {
        "position": progress.position,
        "head": progress.head,
        "lag_events": progress.lag_events,
        "lag_seconds": round(max(0.0, progress.lag_seconds), 3),
        "waiting": progress.waiting,
        "parked": progress.parked,
    }


def parked_body(held: HeldStream) -> dict[str, Any]:
    """Return a held stream as it is shown."""
    return {
        "subject": held.stream,
        "partition": held.partition,
        "position": held.position,
        "event_id": held.event_id,
        "type": held.type,
        "failures": held.failures,
        "reason": held.reason,
        "held_since": held.held_at,
        "retry_at": held.retry_at,
        "parked_at": held.parked_at,
        "events": held.waiting,
    }


def whole_body(state: ConsumerState) -> dict[str, Any]:
    """Return a consumer with its members and partitions, as it is shown."""
    of_member: dict[str | None, list[int]] = {}
    for each in state.partitions:
        of_member.setdefault(each.member, []).append(each.partition)
    return {
        **consumer_body(state.consumer, state.progress),
        "members": [
            {
                "member": member.name,
                "joined_at": member.joined_at,
                "lease_expires_at": member.expires_at,
                "partitions": of_member.get(member.name, []),
            }
            for member in state.members
            if member.is_live
        ],
        "partitions": [
            {"partition": p.partition, "position": p.position, "token": p.token, "member": p.member}
            for p in state.partitions
        ],
    }
