"""An application of the library records the personal data of orders encrypted, and reads it opened, as the service."""

import asyncio
from base64 import b64encode
from collections.abc import Iterator

import psycopg
import pytest
from eventsourcing.application import Application
from eventsourcing.persistence import InfrastructureFactoryError, MapperDeserialisationError, OperationalError

from api.services import Services
from application.access.callers import Tenant
from domain.events.lifecycle import CommentAdded
from domain.order import Order
from domain.streams import order_stream
from domain.values import Customer
from tests.builders import a_moment, an_actor, an_event, totals

ADA = Customer(id="c-7", name="Ada " + "A" * 200)
PERSONAL = (b"Ada", b"c-7", b"555-0199", b"Grace")


class Orders(Application[str]):
    def create_order(self, order_id: str) -> None:
        order = Order.create(order_id, totals=totals(10_000), customer=ADA, actor=an_actor(), timestamp=a_moment())
        self.save(order)

    def get(self, order_id: str) -> Order:
        return self.repository.get(order_stream(order_id))


@pytest.fixture
def settings(dsn: str) -> dict[str, str]:
    return {
        "PERSISTENCE_MODULE": "infrastructure.library",
        "MAPPER_TOPIC": "infrastructure.library:OrderEventMapper",
        "ORDERTRAIL_DSN": dsn,
        "ORDERTRAIL_TENANT": "acme",
    }


@pytest.fixture
def orders(tenant: Tenant, settings: dict[str, str]) -> Iterator[Orders]:
    assert tenant.name == "acme"
    with Orders(settings) as app:
        yield app


def stored(dsn: str) -> bytes:
    """Return all that the ledger has of events."""
    with psycopg.connect(dsn) as connection:
        rows = connection.execute("SELECT data, metadata FROM ordertrail.events").fetchall()
    return b"".join(data + metadata for data, metadata in rows)


async def test_what_the_library_records_is_encrypted_and_opened_by_both(
    services: Services, tenant: Tenant, orders: Orders, dsn: str
) -> None:
    await asyncio.to_thread(orders.create_order, "A1")

    assert [word for word in PERSONAL if word in stored(dsn)] == []
    assert orders.get("A1").state.customer == ADA
    by_service = await services.orders.load(tenant, "A1")
    assert by_service.state.customer == ADA


async def test_what_the_service_recorded_is_decided_upon_as_it_is(
    services: Services, tenant: Tenant, orders: Orders, dsn: str
) -> None:
    await services.orders.create(tenant, "A1", totals=totals(10_000), customer=ADA, timestamp=a_moment())
    await services.orders.record(tenant, "A1", [an_event(CommentAdded, order_id="A1", text="555-0199 " * 100)])

    order = orders.get("A1")
    child = order.split("A2", totals(4_000), timestamp=a_moment(60))
    orders.save(order, child)

    by_service = await services.orders.load(tenant, "A2")
    assert by_service.state.customer == ADA
    assert [word for word in PERSONAL if word in stored(dsn)] == []


async def test_notifications_are_opened_page_by_page(services: Services, tenant: Tenant, orders: Orders) -> None:
    for order_id in ("A1", "A2"):
        await services.orders.create(tenant, order_id, totals=totals(10_000), customer=ADA, timestamp=a_moment())

    events = [orders.mapper.to_domain_event(n) for n in orders.recorder.select_notifications(None, 10)]

    assert [event.customer for event in events] == [ADA, ADA]  # type: ignore[attr-defined]


async def test_what_was_forgotten_is_redacted_in_the_library_too(
    services: Services, tenant: Tenant, orders: Orders
) -> None:
    await asyncio.to_thread(orders.create_order, "A1")
    assert orders.get("A1").state.customer == ADA

    await services.orders.redact(tenant, "A1", key=None, actor=an_actor())

    [created, *_] = orders.recorder.select_events("order-A1")
    assert b"[redacted]" in created.state
    assert [word for word in PERSONAL if word in created.state] == []


async def test_no_decision_is_taken_on_what_cannot_be_read(orders: Orders, dsn: str) -> None:
    await asyncio.to_thread(orders.create_order, "A1")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("UPDATE ordertrail.subject_keys SET wrapped = substr(wrapped, 1, 20)")

    with pytest.raises(MapperDeserialisationError, match=r"cannot be read: .*the key of order-A1 is damaged"):
        orders.get("A1")
    with pytest.raises(OperationalError, match="order-A1"):
        orders.save(an_event(CommentAdded, order_id="A1", originator_version=2, text="555-0199"))


def test_with_another_installation_key_nothing_personal_is_recorded_or_read(
    orders: Orders, settings: dict[str, str]
) -> None:
    orders.create_order("A1")
    another = {"ORDERTRAIL_INSTALLATION_KEY": b64encode(bytes(32)).decode()}

    with Orders({**settings, **another}) as stranger:
        with pytest.raises(OperationalError, match="installation key"):
            stranger.create_order("A2")
        with pytest.raises(OperationalError, match="installation key"):
            stranger.get("A1")


@pytest.mark.parametrize("key", ["x", b64encode(b"short").decode()])
def test_an_installation_key_that_is_none_is_refused(settings: dict[str, str], key: str) -> None:
    with pytest.raises(InfrastructureFactoryError, match="ORDERTRAIL_INSTALLATION_KEY"):
        Orders({**settings, "ORDERTRAIL_INSTALLATION_KEY": key})
