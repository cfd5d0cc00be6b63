"""The service events: what each service reported about each order."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from pydantic_core import to_json

from application.privacy.documents import is_sealed
from application.privacy.parts import OpenedPart, SealedPart, event_of
from application.views.projections.entries import Entry
from application.views.projections.projection import log
from application.views.projections.view import Encrypted, Json, RowOpening, View, value_of
from domain.events.records import ServiceEventRecorded
from domain.streams import order_id_of, order_stream


class ServiceEventRow(NamedTuple):
    """One report of a service; metadata is JSON, version is the order's version after it.

    created_by is the performer or, if that is not known, the application that sent the report; empty if neither is
    known. sealed_in is the id of the event to which description and metadata are bound; None if nothing in it is
    encrypted.
    """

    order_id: str
    position: int
    recorded_at: datetime
    event_id: str
    state: str
    service: str
    service_status: str
    description: Encrypted[str | None]
    metadata: Encrypted[Json | None]
    created_by: str
    version: int
    sealed_in: str | None

    def opening(self) -> RowOpening:
        """Return how its description and its metadata are opened."""
        if not self.description and self.metadata is None:
            return RowOpening([], lambda _parts: self)
        data = {"description": self.description, "metadata": value_of(self.metadata)}
        event_id = event_of(self.sealed_in, *data.values())
        part = SealedPart(ServiceEventRecorded.topic, order_stream(self.order_id), event_id, self.position, data)
        return RowOpening([part], self._shown)

    def _shown(self, parts: Sequence[OpenedPart]) -> "ServiceEventRow":
        [part] = parts
        metadata = None if self.metadata is None else to_json(part.values["metadata"])
        return self._replace(description=part.values["description"], metadata=metadata)


SERVICE_EVENTS_VIEW = View("service_events", ServiceEventRow, key=("order_id", "position"))


def _row(entry: Entry) -> ServiceEventRow:
    recorded, fields = entry.recorded, entry.fields
    metadata = fields["metadata"]
    return ServiceEventRow(
        order_id=order_id_of(recorded.stream),
        position=recorded.position,
        recorded_at=recorded.recorded_at,
        event_id=recorded.event_id,
        state=fields["state"],
        service=fields["service"],
        service_status=fields["service_status"],
        description=fields["description"],
        metadata=None if metadata is None else to_json(metadata),
        created_by=entry.actor.get("id") or entry.actor.get("application_id") or "",
        version=recorded.version,
        sealed_in=recorded.event_id if is_sealed(recorded) else None,
    )


SERVICE_EVENTS = log(SERVICE_EVENTS_VIEW.name, frozenset({ServiceEventRecorded.topic}), _row)
