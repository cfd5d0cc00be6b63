"""Logged calls: a call's bodies are kept beside the ledger, and read back together with the call."""

from typing import NamedTuple

from application.bodies.vault import Gone, SealedBodies
from application.ledger.codec import DAMAGE, decode_as
from application.ledger.port import EventStore
from application.privacy.legible import notice
from application.runtime.room import Part, Room
from domain.errors import InvalidEvent, UnreadableKey
from domain.events.records import Call, SystemLogRecorded
from domain.personal import EXPIRED, REDACTED, UNREADABLE
from domain.streams import order_stream
from domain.values import BodyRef, TenantName

ERASED = Call(request_body=REDACTED, raw_request_body=REDACTED, response_body=REDACTED)
"""What is shown in place of a body whose order was redacted."""
OUTDATED = Call(request_body=EXPIRED, raw_request_body=EXPIRED, response_body=EXPIRED)
"""What is shown in place of a body that is older than the tenant's retention period."""
DAMAGED = Call(request_body=UNREADABLE, raw_request_body=UNREADABLE, response_body=UNREADABLE)
"""What is shown in place of a body if the body or its key was changed."""


class LoggedCall(NamedTuple):
    """A call about an order, and its content."""

    event: SystemLogRecorded
    call: Call


class CallQueries:
    """Reads single calls about orders, by the ledger positions of their events."""

    def __init__(self, store: EventStore, bodies: SealedBodies, room: Room | None = None) -> None:
        self._store = store
        self._bodies = bodies
        self._room = room

    async def find(self, tenant: TenantName, order_id: str, position: int) -> SystemLogRecorded | None:
        """Return the call about this order that was logged at a position. Raises UnreadableEvent."""
        events = await self._store.read_ledger(tenant, after=position - 1, upto=position, limit=1)
        if not events or (events[0].type, events[0].stream) != (SystemLogRecorded.topic, order_stream(order_id)):
            return None
        return decode_as(SystemLogRecorded, events[0])

    async def read(self, tenant: TenantName, order_id: str, position: int) -> LoggedCall | None:
        """Return a call with its bodies; None if there is no such call, or if its bodies are missing.

        Raises UnreadableEvent.
        """
        event = await self.find(tenant, order_id, position)
        if event is None:
            return None
        if event.content is None:
            return LoggedCall(event, Call())
        try:
            return await self._with_call(tenant, event, event.content)
        except (InvalidEvent, UnreadableKey, *DAMAGE) as damage:
            notice(tenant, f"what was said in call {event.event_id}", damage)
            return LoggedCall(event, DAMAGED)

    async def _with_call(self, tenant: TenantName, event: SystemLogRecorded, content: BodyRef) -> LoggedCall | None:
        if self._room is not None:
            await self._room.hold(tenant, Part.MADE, content.size)
        body = await self._bodies.get(tenant, event.originator_id, content.digest)
        match body:
            case Gone.FORGOTTEN:
                return LoggedCall(event, ERASED)
            case Gone.EXPIRED:
                return LoggedCall(event, OUTDATED)
            case Gone.MISSING:
                return None
            case _:
                return LoggedCall(event, Call.model_validate_json(body))
