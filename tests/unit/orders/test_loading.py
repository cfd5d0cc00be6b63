"""Orders are loaded for decisions as far as they can be read, and no decision is taken without what it needs."""

from typing import Any

import pytest

from application.ledger.codec import encode
from application.ledger.port import ANY, Append, Write
from application.orders.loading import load_order, needs_of
from application.privacy.store import EncryptedEventStore
from application.privacy.vault import Vault
from domain.errors import OrderNotFound, UnreadableEvent
from domain.events.event import Event
from domain.events.lifecycle import CommentAdded, Redacted, Transferred
from domain.streams import order_stream
from tests.builders import (
    ACME,
    ORDER,
    a_created_event,
    a_customer,
    a_foreign_event,
    a_service_event,
    a_system_log,
    an_event,
)
from tests.fakes_keys import FakeKeyRing
from tests.fakes_store import InMemoryEventStore


class Story:
    """An order's ledger, of which single events are changed."""

    def __init__(self) -> None:
        self.keys = FakeKeyRing()
        self.ledger = InMemoryEventStore(ACME)
        self.store = EncryptedEventStore(self.ledger, Vault(self.keys), secret=b"secret")

    async def tell(self, *events: Event) -> None:
        write = Write(order_stream(ORDER), ANY, tuple(map(encode, events)))
        await self.store.append(Append(ACME, (write,)))

    def change(self, which: int, **columns: Any) -> None:
        events = self.ledger._ledger(ACME).streams[order_stream(ORDER)]
        events[which - 1] = events[which - 1]._replace(**columns)


@pytest.fixture
async def story() -> Story:
    story = Story()
    await story.tell(a_created_event(), an_event(CommentAdded, text="Hi"), an_event(status="open"))
    return story


async def test_an_order_is_what_its_events_made_it(story: Story) -> None:
    order = await load_order(story.store, ACME, ORDER)

    assert (order.version, order.state.status, order.state.customer.name) == (3, "open", "Grace")  # type: ignore[union-attr]


async def test_what_changes_nothing_need_not_be_readable(story: Story) -> None:
    story.change(2, data=b"[]")

    assert (await load_order(story.store, ACME, ORDER)).version == 3


@pytest.mark.parametrize(
    ("which", "change"),
    [(1, {"data": b"[]"}), (3, {"metadata": b"{"}), (2, {"type": "order.eaten"}), (3, {"version": 7})],
)
async def test_what_decides_what_an_order_is_has_to_be_readable(
    story: Story, which: int, change: dict[str, Any]
) -> None:
    story.change(which, **change)

    with pytest.raises(UnreadableEvent, match=f"Event {which} "):
        await load_order(story.store, ACME, ORDER)
    for_redaction = await load_order(story.store, ACME, ORDER, "nothing")
    assert for_redaction.version == change.get("version", 3)


async def test_whom_an_order_is_for_has_to_be_readable_for_who_tells_it_on(story: Story) -> None:
    story.keys.damage(ACME, order_stream(ORDER))

    assert (await load_order(story.store, ACME, ORDER)).state.status == "open"
    with pytest.raises(
        UnreadableEvent, match=f"of order-{ORDER} cannot be read: customer.id, .*: the key of order-{ORDER}"
    ):
        await load_order(story.store, ACME, ORDER, "customer")


async def test_whom_an_order_is_for_is_told_by_the_transfer_though_its_beginning_was_told_later() -> None:
    story = Story()
    heir, owner = a_customer(id="C2", name="Alan"), a_customer()
    await story.tell(an_event(Transferred, original_customer=owner, new_customer=heir), a_created_event(customer=owner))
    story.keys.damage(ACME, order_stream(ORDER))

    with pytest.raises(
        UnreadableEvent, match=f"Event 1 .* cannot be read: .*new_customer.name: the key of order-{ORDER}"
    ):
        await load_order(story.store, ACME, ORDER, "customer")


async def test_others_may_write_to_the_stream_of_an_order(story: Story) -> None:
    story.change(2, **{name: getattr(a_foreign_event(), name) for name in ("type", "data", "metadata")})

    assert (await load_order(story.store, ACME, ORDER)).state.status == "open"


async def test_what_is_no_change_is_none_though_it_cannot_be_read(story: Story) -> None:
    await story.tell(a_system_log(), a_system_log())
    story.change(4, data=b"[]")
    story.change(5, **{name: getattr(a_foreign_event(), name) for name in ("type", "data", "metadata")})

    order = await load_order(story.store, ACME, ORDER)

    assert (order.version, order.changed_version) == (5, 3)


async def test_an_order_without_events_is_not_found(story: Story) -> None:
    with pytest.raises(OrderNotFound):
        await load_order(story.store, ACME, "2")


def test_what_only_erases_needs_to_know_nothing() -> None:
    redacted = an_event(Redacted)

    assert (needs_of([redacted]), needs_of([redacted, a_service_event()])) == ("nothing", "state")
