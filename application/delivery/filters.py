"""Filters: which events of a ledger a follower wants."""

from collections.abc import Iterable
from typing import NamedTuple

from pydantic_core import from_json

from application.ledger.port import RecordedEvent
from domain.events.records import ServiceEventRecorded
from domain.streams import integration_id_of, integration_stream, order_id_of, order_stream

REPORT = ServiceEventRecorded.topic
"""The only type of event that is of a service."""


class EventFilter(NamedTuple):
    """The events that a follower wants. An empty set does not restrict; what several sets say holds together.

    types are types of events. orders and integrations together name the streams: an event is in the stream of one of
    them. services are those whose reports are wanted: with them, no other events are.
    """

    types: frozenset[str] = frozenset()
    orders: frozenset[str] = frozenset()
    services: frozenset[str] = frozenset()
    integrations: frozenset[int] = frozenset()

    @property
    def read_types(self) -> frozenset[str] | None:
        """The types of event to read from the ledger; None for all. They can be none at all."""
        if not self.services:
            return self.types or None
        return frozenset({REPORT}) & self.types if self.types else frozenset({REPORT})

    @property
    def streams(self) -> frozenset[str] | None:
        """The streams to read events of; None for all."""
        named = {*map(order_stream, self.orders), *map(integration_stream, self.integrations)}
        return frozenset(named) or None

    def wants(self, event: RecordedEvent) -> bool:
        """Whether this event is one of those. Tests all that the filter says."""
        types, streams = self.read_types, self.streams
        if types is not None and event.type not in types:
            return False
        return (streams is None or event.stream in streams) and self.wants_service_of(event)

    def wants_service_of(self, event: RecordedEvent) -> bool:
        """Whether the filter names no services, or the event is a report of one of them.

        No index knows services, so this is tested on each event that was read by its type and its stream.
        """
        return not self.services or service_of(event) in self.services


EVERYTHING = EventFilter()


def of_streams(streams: Iterable[str]) -> EventFilter:
    """Return the filter that wants all events of these streams of orders and integrations."""
    orders, integrations = set(), set()
    for stream in streams:
        if stream.startswith("order-"):
            orders.add(order_id_of(stream))
        else:
            integrations.add(int(integration_id_of(stream)))
    return EventFilter(orders=frozenset(orders), integrations=frozenset(integrations))


def service_of(event: RecordedEvent) -> str | None:
    """Return the service that an event is a report of; None if it is no report, or cannot be read."""
    if event.type != REPORT:
        return None
    try:
        service = from_json(event.data)["service"]
    except (LookupError, TypeError, ValueError):
        return None
    return service if isinstance(service, str) else None
