"""What can be done to orders: the only place that writes them."""

import secrets
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from application.access import Tenant
from application.codec import decode, encode
from application.ledger import (
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
from application.recorded import EventRef, Recorded, recorded
from domain.errors import OrderNotFound, VersionConflict
from domain.events.order_event import OrderEvent
from domain.order import DECISIONS, Order, stream_of
from domain.values import Customer, Totals

MAX_TRIES = 5
"""How often a decision is taken anew because somebody else wrote to the order in between."""

T = TypeVar("T")


class Decided(NamedTuple):
    """What came of a decision: the events it recorded."""

    order_id: str
    recorded: Recorded


def new_order_id() -> str:
    """Return an order id that every dialect can carry: 24 hexadecimal digits."""
    return secrets.token_hex(12)


class OrderService:
    """Records facts without reading the order first; takes decisions by loading it and applying its rules.

    Every method is idempotent by its key and by the event ids it is given. Raises what EventStore.append raises, and
    RuleViolation.
    """

    def __init__(self, store: EventStore) -> None:
        self._store = store

    async def create(
        self, tenant: Tenant, order_id: str | None, *, key: IdempotencyKey | None = None, **event: Any
    ) -> Decided:
        """Create an order; event holds the fields of domain.events.lifecycle.Created. Raises VersionConflict."""
        if found := await self._find_request(tenant, key):
            return _decided(found)
        order = Order.create(order_id or new_order_id(), **event)
        return _decided(await self._append(tenant, [_write(order, NO_STREAM)], key))

    async def record(
        self,
        tenant: Tenant,
        order_id: str,
        events: Sequence[OrderEvent],
        *,
        expected: ExpectedVersion | None = None,
        key: IdempotencyKey | None = None,
    ) -> Recorded:
        """Record events of one order, together or not at all.

        expected defaults to STREAM_EXISTS, or ANY for an implicit tenant. Raises OrderNotFound.
        """
        if any(isinstance(event, DECISIONS) for event in events):
            return await self._record_decisions(tenant, order_id, events, expected=expected, key=key)
        if expected is None:
            expected = ANY if tenant.is_implicit else STREAM_EXISTS
        write = Write(stream_of(order_id), expected, tuple(encode(event) for event in events))
        return await self._append(tenant, [write], key)

    async def edit(
        self, tenant: Tenant, order_id: str, totals: Totals, *, key: IdempotencyKey | None = None, **envelope: Any
    ) -> Recorded:
        """Change what an order amounts to."""
        return await self._decide(tenant, order_id, lambda order: order.edit(totals, **envelope), key)

    async def transfer(
        self, tenant: Tenant, order_id: str, customer: Customer, *, key: IdempotencyKey | None = None, **envelope: Any
    ) -> Recorded:
        """Hand an order over to another customer."""
        return await self._decide(tenant, order_id, lambda order: order.transfer(customer, **envelope), key)

    async def split(
        self,
        tenant: Tenant,
        order_id: str,
        child_id: str | None,
        totals: Totals,
        *,
        key: IdempotencyKey | None = None,
        **envelope: Any,
    ) -> Decided:
        """Split part of an order off into a new one: both orders' events in one append. Returns the child."""
        child_id = child_id or new_order_id()
        split = await self._decide(tenant, order_id, lambda order: order.split(child_id, totals, **envelope), key)
        return _decided(split)

    async def load(self, tenant: Tenant, order_id: str) -> Order:
        """Return the order as its events have made it. Raises OrderNotFound."""
        order: Order | None = None
        while events := await self._store.read_stream(
            tenant.name, stream_of(order_id), after=order.version if order else 0
        ):
            for event in events:
                order = decode(event).mutate(order)
        if order is None:
            raise OrderNotFound(order_id)
        return order

    async def _decide(
        self, tenant: Tenant, order_id: str, decide: Callable[[Order], Order | None], key: IdempotencyKey | None
    ) -> Recorded:
        """Load, decide, append, and again if somebody else wrote in between. A decision may bring up another order."""

        async def attempt() -> Recorded:
            order = await self.load(tenant, order_id)
            # Asked after loading: if a twin of this request was faster, what it did is no reason to refuse this one.
            if found := await self._find_request(tenant, key):
                return found
            version = order.version
            other = decide(order)
            writes = [_write(order, Exactly(version)), *([_write(other, NO_STREAM)] if other else [])]
            return await self._append(tenant, writes, key)

        return await _again_on_conflict(attempt, stream_of(order_id))

    async def _record_decisions(
        self,
        tenant: Tenant,
        order_id: str,
        events: Sequence[OrderEvent],
        *,
        expected: ExpectedVersion | None,
        key: IdempotencyKey | None,
    ) -> Recorded:
        """Record events among which are decisions another system took: if they fit what the order is."""

        async def attempt() -> Recorded:
            order = await self._load_or_none(tenant, order_id, expected)
            if found := await self._find_request(tenant, key):
                return found
            version = order.version if order else 0
            if isinstance(expected, Exactly) and expected.version != version:
                raise VersionConflict(stream_of(order_id), str(expected), version)
            rest = events if order else events[1:]
            order = order or Order.begin(events[0])
            for event in rest:
                order.accept(event)
            return await self._append(tenant, [_write(order, Exactly(version))], key)

        return await _again_on_conflict(attempt, None if isinstance(expected, Exactly) else stream_of(order_id))

    async def _load_or_none(self, tenant: Tenant, order_id: str, expected: ExpectedVersion | None) -> Order | None:
        """Return the order; None if there is none yet but an implicit tenant's first event makes it."""
        try:
            return await self.load(tenant, order_id)
        except OrderNotFound:
            if tenant.is_implicit and expected is not STREAM_EXISTS:
                return None
            raise

    async def _find_request(self, tenant: Tenant, key: IdempotencyKey | None) -> Recorded | None:
        """Return what an earlier request with this key recorded: no rule is looked at twice for one request."""
        found: Appended | None = await self._store.find_request(tenant.name, key) if key else None
        return await recorded(self._store, Append(tenant.name, (), key), found) if found else None

    async def _append(self, tenant: Tenant, writes: Sequence[Write], key: IdempotencyKey | None) -> Recorded:
        append = Append(tenant.name, tuple(writes), key)
        return await recorded(self._store, append, await self._store.append(append))


def _write(order: Order, expected: ExpectedVersion) -> Write:
    return Write(order.id, expected, tuple(encode(event) for event in order.collect_events()))  # type: ignore[arg-type]


def _decided(result: Recorded) -> Decided:
    """Return a decision with the order it created: the last write's."""
    last: EventRef = result.events[-1]
    return Decided(last.stream.removeprefix("order-"), result)


async def _again_on_conflict(attempt: Callable[[], Any], stream: str | None) -> Recorded:
    """Run an attempt until nobody else wrote to this stream in between, a bounded number of times."""
    for left in range(MAX_TRIES - 1, -1, -1):
        try:
            result: Recorded = await attempt()
        except VersionConflict as conflict:
            if left == 0 or conflict.stream != stream:
                raise
        else:
            return result
    raise AssertionError
