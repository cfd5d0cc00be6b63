"""What you can do to orders. Only this service writes them."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from application.access.callers import Tenant
from application.ledger.outcome import Decided, Recorded, decided
from application.ledger.port import (
    ANY,
    NO_STREAM,
    STREAM_EXISTS,
    EventStore,
    ExpectedVersion,
    IdempotencyKey,
    RecordedEvent,
)
from application.orders.erasure import Erasure
from application.orders.loading import load_order
from application.orders.writer import OrderWriter, write_of
from application.views.queries import References
from domain.errors import AlreadyRedacted, EventIdReused, IntegrationNotFound, OrderNotFound, VersionConflict
from domain.events.integration import IntegrationTied, IntegrationUntied
from domain.events.lifecycle import Created, Redacted
from domain.events.order_event import OrderEvent
from domain.order import DECISIONS, Order, new_order_id
from domain.streams import integration_stream, order_stream
from domain.values import Customer, Money, Position, TenantName, Totals

_DECISIONS = frozenset(DECISIONS)
Record = Callable[
    [Tenant, str, Sequence[OrderEvent], ExpectedVersion, IdempotencyKey | None], Coroutine[Any, Any, Recorded]
]


class OrderService:
    """Records facts without reading the order first. Takes decisions by loading the order and applying its rules.

    Every method is idempotent by its key and by the event ids it is given. An existing order may be named by its id or
    its reference; the id is tried first. Raises what EventStore.append raises, and RuleViolation.
    """

    def __init__(self, store: EventStore, references: References, erasure: Erasure) -> None:
        self._store = store
        self._references = references
        self._erasure = erasure
        self._writer = OrderWriter(store, references)

    async def create(
        self, tenant: Tenant, order_id: str | None, *, key: IdempotencyKey | None = None, **event: Any
    ) -> Decided:
        """Create an order; event holds the fields of domain.events.lifecycle.Created.

        An implicit tenant's order may have begun with other events. It can still be created, once. Raises
        VersionConflict or RuleViolation if it was created before.
        """
        if found := await self._writer.find_request(tenant, key):
            return decided(found)
        order = Order.create(order_id or new_order_id(), **event)
        try:
            return decided(await self._writer.append(tenant, [write_of(order, NO_STREAM)], key))
        except VersionConflict:
            if not tenant.is_implicit:
                raise
        created = Created(originator_id=order.id, **event)
        return decided(await self._writer.decide(tenant, order.order_id, lambda order: order.accept(created), key))

    # It returns another's coroutine; one of its own would cost one more step for every append.
    def record(
        self,
        tenant: Tenant,
        order_id: str,
        events: Sequence[OrderEvent],
        *,
        expected: ExpectedVersion | None = None,
        key: IdempotencyKey | None = None,
    ) -> Coroutine[Any, Any, Recorded]:
        """Record events of one order, all or none.

        expected defaults to STREAM_EXISTS. An implicit tenant's unknown order begins with these events. Raises
        OrderNotFound. Raises Unavailable if the order was redacted, but something could not be erased. Recording the
        redaction again, alone and without a condition, erases the rest, also if it raises AlreadyRedacted.
        """
        if _DECISIONS.isdisjoint(map(type, events)):
            return self._by_any_name(self._writer.record_facts, tenant, order_id, events, expected, key)
        return self._record_decisions(tenant, order_id, events, expected, key)

    async def _record_decisions(
        self,
        tenant: Tenant,
        order_id: str,
        events: Sequence[OrderEvent],
        expected: ExpectedVersion | None,
        key: IdempotencyKey | None,
    ) -> Recorded:
        """Record events that include decisions. If one of them redacts the order, erase its data."""
        redaction = next((event for event in events if isinstance(event, Redacted)), None)
        try:
            result = await self._by_any_name(self._writer.record_decisions, tenant, order_id, events, expected, key)
        except AlreadyRedacted as already:
            # Not everything may have been erased then, and calls may have been logged since. If it is these events
            # that redact the order twice, nothing was redacted before, and nothing is erased.
            if redaction is not None and await self._redactions(tenant.name, already.order_id):
                await self._erasure.erase(tenant.name, order_stream(already.order_id), by=redaction.actor)
            raise
        if redaction is not None:
            await self._erasure.erase(tenant.name, order_stream(result.order_id), by=redaction.actor)
        return result

    async def _by_any_name(
        self,
        record: Record,
        tenant: Tenant,
        order_id: str,
        events: Sequence[OrderEvent],
        expected: ExpectedVersion | None,
        key: IdempotencyKey | None,
    ) -> Recorded:
        """Record events of the order with this id; if there is none, of the one that is known by this reference."""
        known = STREAM_EXISTS if expected is None else expected
        try:
            return await record(tenant, order_id, events, known, key)
        except (OrderNotFound, VersionConflict, EventIdReused) as refusal:
            other = await self._writer.other_name(tenant, order_id, refusal)
            if other is not None:
                return await record(tenant, other, events, known, key)
            if expected is None and tenant.is_implicit and isinstance(refusal, OrderNotFound):
                return await record(tenant, order_id, events, ANY, key)
            raise

    async def _redactions(self, tenant: TenantName, order_id: str) -> Sequence[RecordedEvent]:
        """Return the first redaction of an order, if there is one."""
        return await self._store.read_stream(tenant, order_stream(order_id), types=(Redacted.topic,), limit=1)

    async def redact(
        self, tenant: Tenant, order_id: str, *, key: IdempotencyKey | None = None, **envelope: Any
    ) -> Recorded | None:
        """Erase the data of an order's customer; None if that was done before. Raises what record raises."""
        event = Redacted(originator_id=order_stream(order_id), **envelope)
        try:
            return await self.record(tenant, order_id, [event], expected=STREAM_EXISTS, key=key)
        except AlreadyRedacted as already:
            if key is not None:
                await self._bind_to_redaction(tenant.name, already.order_id, key)
            return None

    async def _bind_to_redaction(self, tenant: TenantName, order_id: str, key: IdempotencyKey) -> None:
        """Use the key of a request that found an order redacted. Raises KeyReused."""
        for known in await self._redactions(tenant, order_id):
            await self._store.bind_request(tenant, key, Position(known.position), known.recorded_at)

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
        return await self._writer.decide(
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

        return await self._writer.decide(tenant, order_id, decide, key, needs="customer", expected=expected)

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

        return decided(await self._writer.decide(tenant, order_id, decide, key, needs="customer", expected=expected))

    async def cancel(
        self, tenant: Tenant, order_id: str, reason: str, *, key: IdempotencyKey | None = None, **cancellation: Any
    ) -> Recorded:
        """Cancel an order that is not cancelled; cancellation holds Order.cancel's arguments besides the reason."""
        return await self._writer.decide(tenant, order_id, lambda order: order.cancel(reason, **cancellation), key)

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
