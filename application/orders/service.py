"""What you can do to orders. Only this service writes them."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from application.access.callers import Tenant
from application.ledger.codec import draft, new_event_id
from application.ledger.conflicts import again_on_conflict
from application.ledger.outcome import Decided, Recorded, decided, recorded
from application.ledger.port import (
    ANY,
    NO_STREAM,
    STREAM_EXISTS,
    Append,
    Appended,
    EventStore,
    Exactly,
    ExpectedVersion,
    IdempotencyKey,
    Write,
)
from application.ledger.telling import find_known, tell, with_known
from application.orders.erasure import Erasure
from application.orders.loading import Needs, load_if_any, load_order, needs_of
from application.orders.splits import Load, of_child, other_sides, other_streams, require_told
from application.views.queries import References
from domain.errors import AlreadyRedacted, EventIdReused, IntegrationNotFound, OrderNotFound, VersionConflict
from domain.events.integration import IntegrationTied, IntegrationUntied
from domain.events.lifecycle import Created, Redacted
from domain.events.order_event import OrderEvent
from domain.order import DECISIONS, Order, new_order_id
from domain.streams import integration_stream, order_stream
from domain.values import Customer, Money, Origin, TenantName, Totals


class OrderService:
    """Records facts without reading the order first. Takes decisions by loading the order and applying its rules.

    Every method is idempotent by its key and by the event ids it is given. An existing order may be named by its id or
    its reference; the id is tried first. Raises what EventStore.append raises, and RuleViolation.
    """

    def __init__(
        self, store: EventStore, references: References, erasure: Erasure, *, origin: Origin | None = None
    ) -> None:
        self._store = store
        self._references = references
        self._erasure = erasure
        self._origin = origin

    def on_behalf_of(self, origin: Origin) -> "OrderService":
        """Return a service that records this request as the origin of every event it records."""
        return OrderService(self._store, self._references, self._erasure, origin=origin)

    async def create(
        self, tenant: Tenant, order_id: str | None, *, key: IdempotencyKey | None = None, **event: Any
    ) -> Decided:
        """Create an order; event holds the fields of domain.events.lifecycle.Created.

        An implicit tenant's order may have begun with other events. It can still be created, once. Raises
        VersionConflict or RuleViolation if it was created before.
        """
        if found := await self._find_request(tenant, key):
            return decided(found)
        order = Order.create(order_id or new_order_id(), **event)
        try:
            return decided(await self._append(tenant, [self._write(order, NO_STREAM)], key))
        except VersionConflict:
            if not tenant.is_implicit:
                raise
        created = Created(originator_id=order.id, **event)
        return decided(await self._decide(tenant, order.order_id, lambda order: order.accept(created), key))

    async def record(
        self,
        tenant: Tenant,
        order_id: str,
        events: Sequence[OrderEvent],
        *,
        expected: ExpectedVersion | None = None,
        key: IdempotencyKey | None = None,
    ) -> Recorded:
        """Record events of one order, all or none.

        expected defaults to STREAM_EXISTS. An implicit tenant's unknown order begins with these events. Raises
        OrderNotFound. Raises Unavailable if the order was redacted, but something could not be erased.
        """
        are_decisions = any(type(event) in DECISIONS for event in events)
        record = self._record_decisions if are_decisions else self._record_facts
        known = STREAM_EXISTS if expected is None else expected
        try:
            result = await self._by_either_name(tenant, order_id, lambda id_: record(tenant, id_, events, known, key))
        except OrderNotFound:
            if expected is not None or not tenant.is_implicit:
                raise
            result = await record(tenant, order_id, events, ANY, key)
        for event in events:
            if isinstance(event, Redacted):
                await self._erasure.erase(tenant.name, order_stream(result.order_id), by=event.actor)
        return result

    async def redact(
        self, tenant: Tenant, order_id: str, *, key: IdempotencyKey | None = None, **envelope: Any
    ) -> Recorded | None:
        """Erase the data of an order's customer; None if that was done before. Raises what record raises."""
        event = Redacted(originator_id=order_stream(order_id), **envelope)
        try:
            return await self.record(tenant, order_id, [event], expected=STREAM_EXISTS, key=key)
        except AlreadyRedacted as already:
            # Erase the calls that were logged since, and the data that could not be erased at that time.
            await self._erasure.erase(tenant.name, order_stream(already.order_id), by=event.actor)
            return None

    async def edit(
        self,
        tenant: Tenant,
        order_id: str,
        totals: Totals,
        *,
        expected: ExpectedVersion | None = None,
        key: IdempotencyKey | None = None,
        **envelope: Any,
    ) -> Recorded:
        """Change what an order amounts to."""
        return await self._decide(
            tenant, order_id, lambda order: order.edit(totals, **envelope), key, expected=expected
        )

    async def transfer(
        self,
        tenant: Tenant,
        order_id: str,
        customer: Customer,
        *,
        expected: ExpectedVersion | None = None,
        key: IdempotencyKey | None = None,
        **envelope: Any,
    ) -> Recorded:
        """Hand an order over to another customer."""

        def decide(order: Order) -> None:
            order.transfer(customer, **envelope)

        return await self._decide(tenant, order_id, decide, key, needs="customer", expected=expected)

    async def split(
        self,
        tenant: Tenant,
        order_id: str,
        child_id: str | None,
        part: Totals | Money | None,
        *,
        expected: ExpectedVersion | None = None,
        key: IdempotencyKey | None = None,
        **split: Any,
    ) -> Decided:
        """Split a part of an order off into a new one. One append holds both orders' events. Returns the child.

        part and split are those of Order.split: the envelope, and the conditions.
        """
        child_id = child_id or new_order_id()

        def decide(order: Order) -> Order:
            return order.split(child_id, part, **split)

        return decided(await self._decide(tenant, order_id, decide, key, needs="customer", expected=expected))

    async def cancel(
        self, tenant: Tenant, order_id: str, reason: str, *, key: IdempotencyKey | None = None, **cancellation: Any
    ) -> Recorded:
        """Cancel an order that is not cancelled; cancellation holds Order.cancel's arguments besides the reason."""
        return await self._decide(tenant, order_id, lambda order: order.cancel(reason, **cancellation), key)

    async def tie(
        self,
        tenant: Tenant,
        order_id: str,
        integration_id: int,
        *,
        expected: ExpectedVersion | None = None,
        key: IdempotencyKey | None = None,
        **envelope: Any,
    ) -> Recorded:
        """Show an integration's exceptions in an order's timeline from now on. Raises IntegrationNotFound."""
        event = IntegrationTied(originator_id=order_stream(order_id), integration_id=integration_id, **envelope)
        known = await self._store.read_stream(tenant.name, integration_stream(integration_id), limit=1)
        if not known and not tenant.is_implicit:
            raise IntegrationNotFound(integration_id)
        return await self.record(tenant, order_id, [event], expected=expected, key=key)

    async def untie(
        self,
        tenant: Tenant,
        order_id: str,
        integration_id: int,
        *,
        expected: ExpectedVersion | None = None,
        key: IdempotencyKey | None = None,
        **envelope: Any,
    ) -> Recorded:
        """Show an integration's exceptions no longer in an order's timeline."""
        event = IntegrationUntied(originator_id=order_stream(order_id), integration_id=integration_id, **envelope)
        return await self.record(tenant, order_id, [event], expected=expected, key=key)

    async def id_of(self, tenant: TenantName, name: str) -> str:
        """Return the id of the order with this id; if there is none, of the one with this reference; otherwise the
        name.
        """
        if await self._store.read_stream(tenant, order_stream(name), limit=1):
            return name
        return await self._references.find_by_reference(tenant, name) or name

    async def load(self, tenant: Tenant, order_id: str) -> Order:
        """Return the order as its events have made it. Raises OrderNotFound, UnreadableEvent."""
        return await load_order(self._store, tenant.name, order_id)

    async def _by_either_name(
        self, tenant: Tenant, name: str, attempt: Callable[[str], Awaitable[Recorded]]
    ) -> Recorded:
        """Attempt something on the order with this id; if there is none, on the one known by this reference."""
        try:
            return await attempt(name)
        except (OrderNotFound, VersionConflict, EventIdReused) as refusal:
            # An event id may exist because an earlier request reported the same event under the order's other name.
            if isinstance(refusal, VersionConflict) and (refusal.actual or refusal.stream != order_stream(name)):
                raise
            order_id = await self._references.find_by_reference(tenant.name, name)
            if order_id is None or order_id == name:
                raise
        return await attempt(order_id)

    async def _decide(
        self,
        tenant: Tenant,
        order_id: str,
        decide: Callable[[Order], Order | None],
        key: IdempotencyKey | None,
        *,
        needs: Needs = "state",
        expected: ExpectedVersion | None = None,
    ) -> Recorded:
        """Load, decide, append, and again if somebody else wrote in between. A decision may bring up another order.

        Raises VersionConflict if the order is not as expected.
        """

        async def attempt(order_id: str) -> Recorded:
            order = await load_order(self._store, tenant.name, order_id, needs)
            # Ask after loading: if a copy of this request was faster, its effect is no reason to refuse this one.
            if found := await self._find_request(tenant, key):
                return found
            version = order.version
            if isinstance(expected, Exactly) and expected.version != version:
                raise VersionConflict(order.id, str(expected), version)
            child = decide(order)
            writes = [self._write(order, Exactly(version))]
            if child is not None:
                writes.append(self._write(*await of_child(child, self._loader(tenant) if tenant.is_implicit else None)))
            # An implicit tenant's child may get its first events meanwhile; any other child that appears is a conflict.
            streams.update(write.stream for write in (writes if tenant.is_implicit else writes[:1]))
            if isinstance(expected, Exactly):
                streams.discard(order.id)
            return await self._append(tenant, writes, key)

        streams: set[str] = set()
        return await self._by_either_name(
            tenant, order_id, lambda id_: again_on_conflict(lambda: attempt(id_), streams)
        )

    def _loader(self, tenant: Tenant) -> Load:
        return lambda order_id: load_if_any(self._store, tenant, order_id, ANY)

    async def _record_facts(
        self,
        tenant: Tenant,
        order_id: str,
        events: Sequence[OrderEvent],
        expected: ExpectedVersion,
        key: IdempotencyKey | None,
    ) -> Recorded:
        """Record events that are true whatever the order's state is."""
        write = Write(order_stream(order_id), expected, tuple([draft(event, self._origin) for event in events]))
        return await self._append(tenant, [write], key)

    async def _record_decisions(
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
        drafts = Write(stream, expected, tuple([draft(event, self._origin) for event in events]))
        known = await find_known(self._store, tenant.name, [drafts]) if has_ids else {}
        if len(known) == len(events):
            # Told before: answered as the first time, without asking whether they would still fit the order.
            return (await self._record_facts(tenant, order_id, events, ANY, key)).only(stream)
        events = [event for event in events if event.event_id not in known]

        async def attempt() -> Recorded:
            order = await load_if_any(self._store, tenant, order_id, expected, needs_of(events))
            if found := await self._find_request(tenant, key):
                return found
            version = order.version if order else 0
            if isinstance(expected, Exactly) and expected.version != version:
                raise VersionConflict(stream, str(expected), version)
            rest = events if order else events[1:]
            order = order or Order.begin(events[0])
            for event in rest:
                order.accept(event)
            others = await other_sides(events, self._loader(tenant))
            writes = [self._write(order, Exactly(version)), *(self._write(*other) for other in others)]
            return await self._append(tenant, writes, key)

        streams = other_streams(events) | (set() if isinstance(expected, Exactly) else {stream})
        return with_known(await again_on_conflict(attempt, streams), known).only(stream)

    async def _find_request(self, tenant: Tenant, key: IdempotencyKey | None) -> Recorded | None:
        """Return what an earlier request with this key recorded, so that no rule is applied twice for one request."""
        found: Appended | None = await self._store.find_request(tenant.name, key) if key else None
        return await recorded(self._store, Append(tenant.name, (), key), found) if found else None

    async def _append(self, tenant: Tenant, writes: Sequence[Write], key: IdempotencyKey | None) -> Recorded:
        return await tell(self._store, Append(tenant.name, tuple(writes), key))

    def _write(self, order: Order, expected: ExpectedVersion) -> Write:
        events: Sequence[OrderEvent] = order.collect_events()  # type: ignore[assignment]
        return Write(order.id, expected, tuple([draft(event, self._origin) for event in events]))
