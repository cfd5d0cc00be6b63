"""Builders for the data that tests are about; every argument has a default that means nothing in particular."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from application.access.callers import Caller, Credential, Tenant
from application.ledger.codec import encode
from application.ledger.port import RecordedEvent
from domain.events.event import Event
from domain.events.integration import ExceptionLogged
from domain.events.lifecycle import Created, StatusUpdated
from domain.events.records import ServiceEventRecorded, ServiceState, SystemLogRecorded
from domain.order import Order
from domain.streams import order_stream
from domain.values import Actor, Customer, Money, TenantName, Totals

E = TypeVar("E", bound=Event)

ACME = TenantName("acme")
ORDER = "1001"
INTEGRATION = 7
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def a_moment(seconds: float = 0) -> datetime:
    """Return a time, so many seconds after noon."""
    return NOON + timedelta(seconds=seconds)


def an_actor(**changed: Any) -> Actor:
    return Actor(**{"id": "u1", "name": "Ada", "type": "Staff", **changed})


def a_customer(**changed: Any) -> Customer:
    return Customer(**{"id": "c1", "name": "Grace", **changed})


def money(cents: int = 0, currency: str = "EUR", symbol: str = "€") -> Money:
    """Return an amount in a currency of two decimals, printed as its shop prints it."""
    dollars = cents / 100
    label = f"{symbol}{dollars:,.2f}".removesuffix(".00")
    return Money(cents=cents, currency_iso=currency, currency_symbol=symbol, label=label, dollars=dollars)


def totals(total: int = 10_000, subtotal: int | None = None, discount: int = 0, currency: str = "EUR") -> Totals:
    """Return what an order amounts to, in cents; the subtotal is the total without its discount unless it is given."""
    return Totals(
        total=money(total, currency),
        subtotal=money(total + discount if subtotal is None else subtotal, currency),
        discount=money(discount, currency),
    )


def an_event(event_class: type[E] = StatusUpdated, *, order_id: str = ORDER, **fields: Any) -> E:  # type: ignore[assignment]
    """Return an event of an order; fields it requires have no defaults, but for StatusUpdated."""
    if event_class is StatusUpdated:
        fields = {"status": "confirmed", **fields}
    return event_class(**{"originator_id": order_stream(order_id), "timestamp": NOON, **fields})


def a_created_event(**fields: Any) -> Created:
    return an_event(Created, **{"totals": totals(), "customer": a_customer(), **fields})


def a_service_event(state: str = "success", service: str = "wms", **fields: Any) -> ServiceEventRecorded:
    return an_event(
        ServiceEventRecorded,
        **{"state": ServiceState(state), "service": service, "service_status": "OK", **fields},
    )


def a_system_log(**fields: Any) -> SystemLogRecorded:
    return an_event(SystemLogRecorded, **{"direction": "outbound", "carrier_id": "dhl", "response_code": 200, **fields})


def an_exception(integration_id: int = INTEGRATION, **fields: Any) -> ExceptionLogged:
    return ExceptionLogged(
        **{
            "originator_id": f"integration-{integration_id}",
            "timestamp": NOON,
            "base_url": "https://shop.example",
            **fields,
        }
    )


def an_order(order_id: str = ORDER, **event: Any) -> Order:
    """Return an order that was created and stored: nothing is pending."""
    fields = {"totals": totals(), "customer": a_customer(), "timestamp": NOON, **event}
    order = Order.create(order_id, **fields)
    order.collect_events()
    return order


def recorded(event: Event, *, position: int = 1, version: int | None = None) -> RecordedEvent:
    """Return an event as the ledger keeps it at a position, recorded a second after it occurred."""
    new = encode(event)
    assert new.occurred_at is not None
    return RecordedEvent(
        position=position,
        stream=event.originator_id,
        version=event.originator_version or 1 if version is None else version,
        event_id=new.event_id,
        type=new.type,
        data=new.data,
        metadata=new.metadata,
        occurred_at=new.occurred_at,
        recorded_at=new.occurred_at + timedelta(seconds=1),
    )


def a_ledger(*events: Event) -> list[RecordedEvent]:
    """Return events as one ledger keeps them: positions 1, 2, 3 …, and versions counted for each stream."""
    versions: dict[str, int] = {}
    ledger = []
    for position, event in enumerate(events, start=1):
        versions[event.originator_id] = version = versions.get(event.originator_id, 0) + 1
        ledger.append(recorded(event, position=position, version=version))
    return ledger


def a_foreign_event(topic: str = "library.book_lent", **changed: Any) -> RecordedEvent:
    """Return an event that another application keeps in the same ledger."""
    event = RecordedEvent(
        position=1,
        stream="book-1",
        version=1,
        event_id="foreign-1",
        type=topic,
        data=b"\x00not ours",
        metadata=b"",
        occurred_at=NOON,
        recorded_at=NOON,
    )
    return event._replace(**changed)


def a_tenant(name: str = ACME, *, is_implicit: bool = False, dintero_account: str | None = None) -> Tenant:
    return Tenant(TenantName(name), is_implicit, dintero_account)


def a_credential(*scopes: str, key_id: str = "k1", **changed: Any) -> Credential:
    """Return a credential with these scopes (admin, if none are named) and no secret that anybody knows."""
    credential = Credential(a_tenant(), key_id, b"", scopes or ("admin",), "a test")
    return credential._replace(**changed)


def a_caller(*scopes: str, **changed: Any) -> Caller:
    caller = Caller(a_tenant(), "k1", "a test", scopes or ("admin",))
    return replace(caller, **changed)
