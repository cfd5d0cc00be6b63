"""What a request recorded, in the form of its answer."""

from contextlib import suppress
from datetime import datetime
from typing import NamedTuple, TypeVar

from application.ledger.codec import decode_as
from application.ledger.port import Append, Appended, EventStore
from application.ledger.reading import ledger_pages
from domain.errors import InvalidEvent
from domain.events.event import Event
from domain.streams import order_id_of
from domain.values import Position, TenantName

E = TypeVar("E", bound=Event)


class RecordedRef(NamedTuple):
    """Where one recorded event stands."""

    event_id: str
    type: str
    stream: str
    version: int
    position: int


class Recorded(NamedTuple):
    """The events of one append, in ledger order. is_replayed is true if an earlier request recorded them."""

    events: tuple[RecordedRef, ...]
    recorded_at: datetime
    is_replayed: bool

    @property
    def position(self) -> Position:
        return Position(self.events[-1].position)

    @property
    def order_id(self) -> str:
        """The order of the first event. The request may have named the order by its reference."""
        return order_id_of(self.events[0].stream)

    def only(self, stream: str) -> "Recorded":
        """Return the part about one stream. Other streams' events are no answer to a question about this one."""
        return self._replace(events=tuple(event for event in self.events if event.stream == stream))


class Decided(NamedTuple):
    """The result of a decision: the events it recorded, and the order it created, if it created one."""

    order_id: str
    recorded: Recorded


def decided(result: Recorded) -> Decided:
    """Return a decision with the order it created: the order of the last write."""
    return Decided(order_id_of(result.events[-1].stream), result)


def recorded(append: Append, appended: Appended) -> Recorded:
    """Return what an append recorded that was not replayed."""
    return Recorded(tuple(_refs(append, appended)), appended.recorded_at, is_replayed=False)


async def replayed(store: EventStore, tenant: TenantName, appended: Appended) -> Recorded:
    """Return what an earlier append recorded. This is read from the ledger."""
    refs: list[RecordedRef] = []
    first, last = appended.first_position, appended.last_position
    async for page in ledger_pages(store, tenant, after=first - 1, upto=last):
        refs += [RecordedRef(e.event_id, e.type, e.stream, e.version, e.position) for e in page]
    return Recorded(tuple(refs), appended.recorded_at, is_replayed=True)


async def first_told(store: EventStore, tenant: TenantName, event: E, result: Recorded) -> E:
    """Return the event that a request recorded: this event or, if the request was replayed, the first request's event.

    The event's stream is the one in which it was recorded, whichever name of the order the request used. An event
    without a time occurred when it was recorded. If the first request's event can no longer be read, this event is
    returned: the two requests are the same.
    """
    if result.is_replayed:
        [found] = await store.read_ledger(tenant, after=result.position - 1, upto=result.position, limit=1)
        with suppress(InvalidEvent):
            return decode_as(type(event), found)
    dated = {} if "timestamp" in event.model_fields_set else {"timestamp": result.recorded_at}
    return event.model_copy(update={"originator_id": result.events[-1].stream, **dated})


def _refs(append: Append, appended: Appended) -> list[RecordedRef]:
    refs: list[RecordedRef] = []
    first_position, _, versions, _, _ = appended
    for (stream, _, events), first_version in zip(append.writes, versions, strict=True):
        for version, event in enumerate(events, first_version):
            refs.append(RecordedRef(event.event_id, event.type, stream, version, first_position + len(refs)))
    return refs
