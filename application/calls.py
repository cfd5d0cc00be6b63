"""Logged calls: what was said in them is kept beside the ledger, and brought back when one is read."""

from typing import NamedTuple

from application.codec import decode
from application.ledger import EventStore
from application.personal import EXPIRED, REDACTED
from application.sealed_contents import Gone, SealedContents
from domain.events.records import Call, SystemLogRecorded
from domain.order import stream_of
from domain.values import TenantName

ERASED = Call(request_body=REDACTED, raw_request_body=REDACTED, response_body=REDACTED)
"""What is left of what was said about a redacted order."""
OUTDATED = Call(request_body=EXPIRED, raw_request_body=EXPIRED, response_body=EXPIRED)
"""What is left of what was said longer ago than its tenant keeps it."""


class LoggedCall(NamedTuple):
    """A call about an order, and what was said in it."""

    event: SystemLogRecorded
    call: Call


class CallQueries:
    """Reads single calls about orders, by the ledger positions of their events."""

    def __init__(self, store: EventStore, contents: SealedContents) -> None:
        self._store = store
        self._contents = contents

    async def find(self, tenant: TenantName, order_id: str, position: int) -> SystemLogRecorded | None:
        """Return the call about this order that was logged at a position."""
        events = await self._store.read_ledger(tenant, after=position - 1, upto=position, limit=1)
        if not events or (events[0].type, events[0].stream) != (SystemLogRecorded.topic, stream_of(order_id)):
            return None
        event = decode(events[0])
        assert isinstance(event, SystemLogRecorded)
        return event

    async def read(self, tenant: TenantName, order_id: str, position: int) -> LoggedCall | None:
        """Return a call with all that was said in it; None also if that is not there any more."""
        event = await self.find(tenant, order_id, position)
        if event is None:
            return None
        if event.content is None:
            return LoggedCall(event, Call())
        body = await self._contents.get(tenant, event.originator_id, event.content.digest)
        match body:
            case Gone.FORGOTTEN:
                return LoggedCall(event, ERASED)
            case Gone.EXPIRED:
                return LoggedCall(event, OUTDATED)
            case Gone.MISSING:
                return None
            case _:
                return LoggedCall(event, Call.model_validate_json(body))
