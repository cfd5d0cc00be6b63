"""How orders are written: facts without reading an order, decisions on the order as it is, and again on a conflict."""

from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any

from application.access.callers import Tenant
from application.ledger.codec import draft, new_event_id
from application.ledger.conflicts import Tries, Turns
from application.ledger.outcome import Recorded, replayed
from application.ledger.port import (
    ANY,
    Append,
    Appended,
    Draft,
    EventStore,
    Exactly,
    ExpectedVersion,
    IdempotencyKey,
    Write,
)
from application.ledger.telling import find_known, tell, with_known
from application.orders.loading import Needs, load_if_any, load_order, needs_of
from application.orders.splits import Load, of_child, other_sides, other_streams, require_told
from application.runtime.request_context import current_origin
from application.views.queries import References
from domain.errors import OrderNotFound, VersionConflict
from domain.events.order_event import OrderEvent
from domain.order import Order
from domain.streams import order_stream


class OrderWriter:
    """Records facts and decisions. Each event says which request it came with, if that is known."""

    def __init__(self, store: EventStore, references: References) -> None:
        self._store = store
        self._references = references
        self._turns = Turns()

    async def other_name(self, tenant: Tenant, name: str, refusal: Exception) -> str | None:
        """Return the id of the order that is known by this reference, if the refusal means that no order has this id.

        An event id may exist because an earlier request reported the same event under the order's other name.
        """
        if isinstance(refusal, VersionConflict) and (refusal.actual or refusal.stream != order_stream(name)):
            return None
        order_id = await self._references.find_by_reference(tenant.name, name)
        return None if order_id == name else order_id

    async def decide(
        self,
        tenant: Tenant,
        name: str,
        decide: Callable[[Order], Order | None],
        key: IdempotencyKey | None,
        *,
        needs: Needs = "state",
        expected: ExpectedVersion | None = None,
    ) -> Recorded:
        """Load, decide, append, and again if somebody else wrote in between. A decision may bring up another order.

        Raises VersionConflict if the order is not as expected, and Busy if others change it all the time.
        """
        async with self._turns.of(tenant.name, order_stream(name)):
            async for attempt in Tries():
                order = await self._load(tenant, name, needs)
                # Ask after loading: if a copy of this request was faster, its effect is no reason to refuse this one.
                if found := await self.find_request(tenant, key):
                    return found
                version = order.version
                _require(expected, order.id, version)
                child = decide(order)
                writes = [write_of(order, Exactly(version))]
                if child is not None:
                    writes.append(
                        write_of(*await of_child(child, self._loader(tenant) if tenant.is_implicit else None))
                    )
                # An implicit tenant's child may get its first events meanwhile. Any other child that appears is a
                # conflict.
                streams = {write.stream for write in (writes if tenant.is_implicit else writes[:1])}
                if isinstance(expected, Exactly):
                    streams.discard(order.id)
                with attempt.may_lose(streams):
                    return await self.append(tenant, writes, key)
        raise AssertionError

    async def _load(self, tenant: Tenant, name: str, needs: Needs) -> Order:
        """Return the order with this id; if there is none, the one that is known by this reference."""
        try:
            return await load_order(self._store, tenant.name, name, needs)
        except OrderNotFound as refusal:
            order_id = await self.other_name(tenant, name, refusal)
            if order_id is None:
                raise
        return await load_order(self._store, tenant.name, order_id, needs)

    def _loader(self, tenant: Tenant) -> Load:
        return lambda order_id: load_if_any(self._store, tenant, order_id, ANY)

    def record_facts(
        self,
        tenant: Tenant,
        order_id: str,
        events: Sequence[OrderEvent],
        expected: ExpectedVersion,
        key: IdempotencyKey | None,
    ) -> Coroutine[Any, Any, Recorded]:
        """Record events that are true whatever the order's state is."""
        return self.append(tenant, [Write(order_stream(order_id), expected, _drafts(events))], key)

    async def record_decisions(
        self,
        tenant: Tenant,
        order_id: str,
        events: Sequence[OrderEvent],
        expected: ExpectedVersion,
        key: IdempotencyKey | None,
    ) -> Recorded:
        """Record events that include decisions of another system, if these fit the order's state."""
        stream = order_stream(order_id)
        require_told(events)
        has_ids = any(event.event_id for event in events)
        events = [
            event.model_copy(update={"originator_id": stream, "event_id": event.event_id or new_event_id()})
            for event in events
        ]
        told = Write(stream, expected, _drafts(events))
        known = await find_known(self._store, tenant.name, [told]) if has_ids else {}
        if len(known) == len(events):
            # Told before: answered as the first time, without asking whether they would still fit the order.
            return (await self.record_facts(tenant, order_id, events, ANY, key)).only(stream)
        events = [event for event in events if event.event_id not in known]

        streams = other_streams(events) | (set() if isinstance(expected, Exactly) else {stream})
        async with self._turns.of(tenant.name, stream):
            async for attempt in Tries():
                order = await load_if_any(self._store, tenant, order_id, expected, needs_of(events))
                if found := await self.find_request(tenant, key):
                    return with_known(found, known).only(stream)
                version = order.version if order else 0
                _require(expected, stream, version)
                rest = events if order else events[1:]
                order = order or Order.begin(events[0])
                for event in rest:
                    order.accept(event)
                others = await other_sides(events, self._loader(tenant))
                writes = [write_of(order, Exactly(version)), *(write_of(*other) for other in others)]
                with attempt.may_lose(streams):
                    return with_known(await self.append(tenant, writes, key), known).only(stream)
        raise AssertionError

    async def find_request(self, tenant: Tenant, key: IdempotencyKey | None) -> Recorded | None:
        """Return what an earlier request with this key recorded, so that no rule is applied twice for one request."""
        found: Appended | None = await self._store.find_request(tenant.name, key) if key else None
        return await replayed(self._store, tenant.name, found) if found else None

    # This and record_facts return another's coroutine; each of its own would cost one more step for every append.
    def append(
        self, tenant: Tenant, writes: Sequence[Write], key: IdempotencyKey | None
    ) -> Coroutine[Any, Any, Recorded]:
        return tell(self._store, Append(tenant.name, tuple(writes), key))


def write_of(order: Order, expected: ExpectedVersion) -> Write:
    """Return the write of an order's new events."""
    return Write(order.id, expected, _drafts(order.collect_events()))  # type: ignore[arg-type]


def _drafts(events: Iterable[OrderEvent]) -> tuple[Draft, ...]:
    origin = current_origin()
    return tuple([draft(event, origin) for event in events])


def _require(expected: ExpectedVersion | None, stream: str, version: int) -> None:
    """Raise VersionConflict if a version is expected, and the stream is at another."""
    if isinstance(expected, Exactly) and expected.version != version:
        raise VersionConflict(stream, str(expected), version)
