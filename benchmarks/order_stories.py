"""A shop's ledger: ten events of each order, of the types and in the proportions in which shops have them."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random
from typing import Any

from application.ledger.codec import encode
from application.ledger.port import ANY, Append, EventStore, Write
from domain.events.delivery import DeliveryStatusUpdated
from domain.events.event import Event
from domain.events.integration import ExceptionLogged, IntegrationTied, IntegrationUntied
from domain.events.lifecycle import CommentAdded, Created, StatusUpdated
from domain.events.payment import PaymentStatusUpdated
from domain.events.records import CallDirection, ServiceEventRecorded, ServiceState, SystemLogRecorded
from domain.streams import order_stream
from domain.values import Actor, BodyRef, Customer, Money, TenantName, Totals

EVENTS = 10
"""Of each order: it is created, paid, delivered, has three statuses, two reports of services and a logged call.

The tenth is a comment or, of three orders in ten, an integration's call that fails. One order in ten is tied to an
integration while it is under way, in place of two of its statuses.
"""
MIX = (
    "28% status · 20% service events · 10% each created, payment, delivery, system log · 7% comments · "
    "3% integration exceptions · 2% ties"
)
OPEN_ORDERS = 500
"""How many orders are under way at a time; their events come mixed."""
INTEGRATIONS = 40
AT_ONCE = 2_000
"""How many appends of one event wait for the store at a time."""

_START = datetime(2026, 1, 1, tzinfo=UTC)
_SHOP = Actor(id="60c1e027a47d91004377f129", name="Web shop", type="Application", application_id="shop")
_CLERK = Actor(id="5f3b1c0a9d1e8a0012ab34cd", name="Ada Lovelace", type="Staff")
_METADATA = {"pickup_location": {"latitude": 37.42242, "longitude": -122.08585, "postal_code": "0342"}}


def story(order: int) -> list[Event]:
    """Return what happens to one order."""
    common: dict[str, Any] = {"originator_id": order_stream(f"{order:08d}"), "actor": _SHOP}
    common["correlation_id"] = f"checkout-{order}" if order % 2 else None
    at = [_START + timedelta(seconds=order, minutes=7 * n) for n in range(EVENTS)]
    customer = Customer(id=f"c-{order % 5_000}", name=f"Customer {order % 5_000}")
    created = Created(
        **common, timestamp=at[0], created_by="shop", reference=f"web-{order}", customer=customer, totals=_totals(order)
    )
    confirmed: Event = StatusUpdated(**common, timestamp=at[1], status="confirmed", reason="stock reserved")
    completed: Event = StatusUpdated(**common, timestamp=at[9], status="completed")
    integration = 1 + order // 10 % INTEGRATIONS
    if order % 10 == 0:
        confirmed = IntegrationTied(**common, timestamp=at[1], integration_id=integration)
        completed = IntegrationUntied(**common, timestamp=at[9], integration_id=integration)
    return [
        created,
        confirmed,
        PaymentStatusUpdated(**common, timestamp=at[2], status="paid"),
        _report(common, at[3], "payments", "captured"),
        _report(common, at[4], "warehouse", "ready_for_pickup"),
        StatusUpdated(**common, timestamp=at[5], status="packed"),
        _call(common, at[6], order),
        DeliveryStatusUpdated(**common, timestamp=at[7], status="shipped"),
        _failure(at[8], integration)
        if order % 10 < 3
        else CommentAdded(**{**common, "actor": _CLERK}, timestamp=at[8], text="Please leave it with the neighbour"),
        completed,
    ]


def _totals(order: int) -> Totals:
    return Totals(total=_money(4_500 + order % 100), subtotal=_money(5_000 + order % 100), discount=_money(500))


def _money(cents: int) -> Money:
    return Money(cents=cents, currency_iso="EUR", currency_symbol="€", label=f"€{cents / 100:.2f}", dollars=cents / 100)


def _report(common: dict[str, Any], at: datetime, service: str, status: str) -> Event:
    return ServiceEventRecorded(
        **common, timestamp=at, state=ServiceState.SUCCESS, service=service, service_status=status, metadata=_METADATA
    )


def _call(common: dict[str, Any], at: datetime, order: int) -> Event:
    return SystemLogRecorded(
        **common,
        timestamp=at,
        direction=CallDirection.OUTBOUND,
        request_type="create_shipment",
        carrier_id="dhl",
        request_method="POST",
        request_url="https://carrier.example/v2/shipments",
        request_time=1_767_225_600_000 + order,
        response_time=1_767_225_600_180 + order,
        response_code=200,
        content=BodyRef(digest=f"{order:064x}", size=2_048),
    )


def _failure(at: datetime, integration: int) -> Event:
    return ExceptionLogged(
        originator_id=f"integration-{integration}",
        timestamp=at,
        base_url="https://shop.example/wp-json/wc/v3",
        method="PUT",
        response_code=504,
        exception_type="ReadTimeout",
        exception="HTTPSConnectionPool(host='shop.example', port=443): Read timed out.",
    )


def stories(events: int) -> Iterator[Event]:
    """Yield so many events, those of orders under way mixed as they would come; the same ones each time."""
    random = Random(4)
    orders = iter(range(events // EVENTS + OPEN_ORDERS))
    under_way = [iter(story(next(orders))) for _ in range(OPEN_ORDERS)]
    for _ in range(events):
        n = random.randrange(OPEN_ORDERS)
        event = next(under_way[n], None)
        if event is None:
            under_way[n] = iter(story(next(orders)))
            event = next(under_way[n])
        yield event


def appends(tenant: TenantName, events: int) -> Iterator[Append]:
    """Yield the appends, of one event each, that bring so many events into a tenant's ledger."""
    for event in stories(events):
        yield Append(tenant, (Write(event.originator_id, ANY, (encode(event),)),))


async def fill(store: EventStore, tenant: TenantName, events: int) -> None:
    """Append so many events."""
    following = appends(tenant, events)
    while group := list(islice(following, AT_ONCE)):
        await asyncio.gather(*map(store.append, group))
