"""Loads orders from their events, for decisions. What a decision needs to know must be readable."""

from collections.abc import Sequence
from typing import Literal

from application.access.callers import Tenant
from application.ledger.codec import DAMAGE, decode, in_words
from application.ledger.port import STREAM_EXISTS, EventStore, ExpectedVersion, RecordedEvent
from application.ledger.reading import stream_pages
from application.privacy.legible import legible
from application.views.projections.order_state import CUSTOMER_FIELDS
from domain.errors import InvalidEvent, OrderNotFound, UnreadableEvent
from domain.events.catalogue import CATALOGUE, RECORDS, TIES, is_ours
from domain.events.lifecycle import DetailsUpdated, Redacted, Transferred
from domain.events.order_event import OrderEvent
from domain.order import Order
from domain.order_state import CHANGING
from domain.personal import UNREADABLE
from domain.streams import order_stream
from domain.values import TenantName

Needs = Literal["nothing", "state", "customer"]
"""What a decision must know of an order: nothing, its state, or also its customer."""


def needs_of(events: Sequence[OrderEvent]) -> Needs:
    """Return what must be readable of an order before these events are taken: nothing, if they only erase."""
    if all(isinstance(event, Redacted) for event in events):
        return "nothing"
    return "customer" if any(isinstance(event, Transferred) for event in events) else "state"


async def load_order(store: EventStore, tenant: TenantName, order_id: str, needs: Needs = "state") -> Order:
    """Return the order as its events have made it.

    An unreadable event is skipped if nothing is needed, or if decisions do not depend on events of its type. Raises
    OrderNotFound. Raises UnreadableEvent if something that is needed cannot be read.
    """
    order: Order | None = None
    naming: RecordedEvent | None = None
    async for page in stream_pages(store, tenant, order_stream(order_id)):
        for event in page:
            known = order.state.customer if order else None
            order = _after(order, event, needs)
            # An order's creation may be reported after a transfer; the order then keeps its later customer.
            names = event.type in CUSTOMER_FIELDS and order.state.customer is not known
            naming = event if names else naming
    if order is None:
        raise OrderNotFound(order_id)
    if needs == "customer" and naming is not None:
        _require_customer(order, naming)
    return order


async def load_if_any(
    store: EventStore, tenant: Tenant, order_id: str, expected: ExpectedVersion, needs: Needs = "state"
) -> Order | None:
    """Return what load_order does; None if the order does not exist yet and an implicit tenant's first event creates
    it.
    """
    try:
        return await load_order(store, tenant.name, order_id, needs)
    except OrderNotFound:
        if tenant.is_implicit and expected is not STREAM_EXISTS:
            return None
        raise


def _after(order: Order | None, event: RecordedEvent, needs: Needs) -> Order:
    """Return the order after its next event."""
    version = order.version if order else 0
    if order is not None and needs == "nothing":
        order.version = event.version - 1
    elif event.version != version + 1:
        raise UnreadableEvent(
            f"Event {event.position} ({event.type}) cannot follow version {version} of {event.stream}"
        )
    changed_version = order.changed_version if order else 0
    try:
        after: Order | None = decode(event).mutate(order)
    except (InvalidEvent, *DAMAGE) as damage:
        is_known = event.type in CATALOGUE or not is_ours(event.type)  # other applications may write to any stream
        if needs != "nothing" and (event.type in CHANGING or not is_known):
            what = damage if isinstance(damage, InvalidEvent) else _cannot_be_read(event, in_words(damage))
            raise UnreadableEvent(f"{what}. The state of {event.stream} is not known until it is restored") from damage
        nothing = DetailsUpdated.model_construct(
            None, originator_id=event.stream, originator_version=event.version, timestamp=event.occurred_at
        )
        after = nothing.mutate(order)
        if after is not None and not _is_change(event):
            after.changed_version = changed_version
    assert after is not None
    return after


def _is_change(event: RecordedEvent) -> bool:
    """Return whether an event of this type changes an order. Services' reports and others' events do not."""
    event_class = CATALOGUE.get(event.type)
    return event_class is not None and not issubclass(event_class, (*RECORDS, *TIES))


def _require_customer(order: Order, naming: RecordedEvent) -> None:
    """Raise UnreadableEvent if the order's customer cannot be read. The next events would repeat the customer."""
    customer = order.state.customer
    if customer is not None and UNREADABLE in {customer.id, customer.name}:
        raise UnreadableEvent(_cannot_be_read(naming, f"{legible(naming).unreadable}"))


def _cannot_be_read(event: RecordedEvent, why: str) -> str:
    return f"Event {event.position} ({event.type}) of {event.stream} cannot be read: {why}"
