"""A ledger as a shop's would be: what happens to orders, in the proportions in which it happens."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from application.codec import encode
from application.ledger import ANY, Append, Write
from domain.events.delivery import DeliveryStatusUpdated
from domain.events.event import Event
from domain.events.integration import ExceptionLogged
from domain.events.lifecycle import CommentAdded, Created, StatusUpdated
from domain.events.payment import PaymentStatusUpdated
from domain.events.records import CallDirection, ServiceEventRecorded, ServiceState, SystemLogRecorded
from domain.values import Actor, ContentRef, Customer, Money, TenantName, Totals
from infrastructure.group_commit import GroupCommit

EVENTS_OF_AN_ORDER = 10
"""Created, three statuses, a payment, a delivery, two service events, a logged call; a comment or a failed call."""
WRITES = 100
_START = datetime(2026, 1, 1, tzinfo=UTC)
_SHOP = Actor(id="60c1e027a47d91004377f129", name="Web shop", type="Application", application_id="shop")
_METADATA = {"pickup_location": {"latitude": 37.42242, "longitude": -122.08585, "postal_code": "0342"}}


def _money(cents: int) -> Money:
    return Money(cents=cents, currency_iso="EUR", currency_symbol="€", label=f"€{cents / 100}", dollars=cents / 100)


def events_of(order: int) -> list[Event]:
    """Return what happens to one order."""
    amounts = Totals(total=_money(4_500), subtotal=_money(5_000), discount=_money(500))
    customer = Customer(id=f"c-{order % 5_000}", name=f"Customer {order % 5_000}")
    at = iter(_START + timedelta(seconds=order, minutes=n) for n in range(EVENTS_OF_AN_ORDER))
    stream = {"originator_id": f"order-{order:08d}", "actor": _SHOP}
    call = ContentRef(digest=f"{order:064x}", size=2_048)
    events: list[Event] = [
        Created(
            **stream, timestamp=next(at), created_by="shop", reference=f"web-{order}", customer=customer, totals=amounts
        ),
        StatusUpdated(**stream, timestamp=next(at), status="confirmed"),
        PaymentStatusUpdated(**stream, timestamp=next(at), status="paid"),
        _report(stream, next(at), "payments", "captured"),
        StatusUpdated(**stream, timestamp=next(at), status="packed"),
        _report(stream, next(at), "warehouse", "ready_for_pickup"),
        SystemLogRecorded(
            **stream,
            timestamp=next(at),
            direction=CallDirection.OUTBOUND,
            carrier_id="dhl",
            request_method="POST",
            request_url="https://carrier.example/shipments",
            response_code=200,
            content=call,
        ),
        DeliveryStatusUpdated(**stream, timestamp=next(at), status="shipped"),
        StatusUpdated(**stream, timestamp=next(at), status="completed"),
    ]
    if order % 4:
        events.append(CommentAdded(**stream, timestamp=next(at), text="Left with the neighbour", is_private=False))
    else:
        events.append(
            ExceptionLogged(
                originator_id=f"integration-{order % 40}",
                timestamp=next(at),
                base_url="https://shop.example",
                exception_type="Timeout",
                response_code=504,
            )
        )
    return events


def _report(stream: dict[str, object], at: datetime, service: str, status: str) -> ServiceEventRecorded:
    return ServiceEventRecorded(
        **stream, timestamp=at, state=ServiceState.SUCCESS, service=service, service_status=status, metadata=_METADATA
    )


def appends(tenant: TenantName, events: int) -> Iterator[Append]:
    """Yield so many events, those of some dozens of orders mixed with each other, in appends of some dozens."""
    mixed = random.Random(7)
    order = 0
    while order * EVENTS_OF_AN_ORDER < events:
        streams = [iter(events_of(order + n)) for n in range(WRITES)]
        order += WRITES
        for _ in range(EVENTS_OF_AN_ORDER):
            mixed.shuffle(streams)
            by_stream: dict[str, list[Event]] = {}
            for stream in streams:
                event = next(stream)
                by_stream.setdefault(event.originator_id, []).append(event)
            writes = [Write(name, ANY, tuple(map(encode, told))) for name, told in by_stream.items()]
            yield Append(tenant, tuple(writes))


async def fill(group_commit: GroupCommit, tenant: TenantName, events: int) -> None:
    """Append so many events."""
    for append in appends(tenant, events):
        await group_commit.append(append)
