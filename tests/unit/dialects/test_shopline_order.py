"""SHOPLINE's order object, folded from what happened."""

from collections.abc import Sequence
from typing import Any

import pytest

from api.dialects.shopline.models import ShoplineOrder as OrderModel
from api.dialects.shopline.order import OrderObject
from application.ledger.port import RecordedEvent
from domain.errors import OrderArchived
from domain.events.delivery import (
    DeliveryMethodChanged,
    DeliveryRemarkCreated,
    DeliveryRemarkDeleted,
    DeliveryRemarkUpdated,
    DeliveryStatusUpdated,
    RefDeliveryStatusUpdated,
)
from domain.events.event import Event
from domain.events.lifecycle import Archived, CommentAdded, Edited
from domain.events.payment import PaymentMethodChanged, PaymentStatusUpdated
from domain.events.split import Split, SplitFrom
from domain.order_state import changes
from tests.builders import a_created_event, a_ledger, a_moment, an_event, totals


def of(*events: Event) -> dict[str, Any]:
    return folded(a_ledger(*events)).render()


def folded(ledger: Sequence[RecordedEvent]) -> OrderObject:
    order = OrderObject("1001")
    for event in ledger:
        order.take(event)
    return order


def at(seconds: float) -> str:
    return f"2026-03-01T12:00:{seconds:06.3f}+00:00"


def test_an_order_is_what_was_created() -> None:
    order = of(a_created_event(created_by="shop", reference="web-77", timestamp=a_moment(1)))

    assert (order["id"], order["ref_order_id"], order["created_by"]) == ("1001", "web-77", "shop")
    assert (order["customer_id"], order["customer_name"]) == ("c1", "Grace")
    assert order["currency_iso"] == "EUR"
    assert order["total"] == {
        "cents": 10_000,
        "currency_iso": "EUR",
        "currency_symbol": "€",
        "label": "€100",
        "dollars": 100.0,
    }
    assert order["created_at"] == at(1)


def test_what_is_not_known_is_null_or_empty_and_whatever_is_undone_is_pending() -> None:
    order = of(an_event(DeliveryRemarkDeleted))

    assert OrderModel.model_validate(order).model_dump() == order
    assert (order["status"], order["order_payment"]["status"], order["order_delivery"]["status"]) == ("pending",) * 3
    filled = {name for name, value in order.items() if value not in (None, [])}
    assert filled == {"id", "status", "order_payment", "order_delivery", "created_at", "updated_at"}


def test_updated_at_is_by_our_clock() -> None:
    imported = RecordedEvent(
        **{**a_ledger(an_event(timestamp=a_moment(-3_600)))[0]._asdict(), "recorded_at": a_moment(2.5)}
    )

    assert folded([imported]).render()["updated_at"] == at(2.5)


def test_times_are_when_the_order_last_became_it() -> None:
    order = of(
        an_event(status="confirmed", timestamp=a_moment(1)),
        an_event(status="completed", timestamp=a_moment(2)),
        an_event(status="confirmed", timestamp=a_moment(3)),
        an_event(Edited, **changes(totals(), totals(5)), timestamp=a_moment(4)),
        an_event(Split, child_order_id="1001-2", timestamp=a_moment(5)),
    )

    times = {name: order[name] for name in ("confirmed_at", "completed_at", "edited_at", "split_at")}
    assert times == {"confirmed_at": at(3), "completed_at": at(2), "edited_at": at(4), "split_at": at(5)}
    assert (order["status"], order["child_order_ids"], order["parent_order_id"]) == ("confirmed", ["1001-2"], None)


def test_a_child_knows_its_parent() -> None:
    assert of(an_event(SplitFrom, parent_order_id="1000"))["parent_order_id"] == "1000"


def test_the_payment() -> None:
    method = {"before": {}, "after": {"en": "Card", "zh-Hant": "信用卡"}}

    payment = of(
        an_event(PaymentMethodChanged, method=method),
        an_event(PaymentStatusUpdated, status="completed", timestamp=a_moment(1)),
        an_event(PaymentStatusUpdated, status="refunding", timestamp=a_moment(2)),
    )["order_payment"]

    assert payment == {
        "status": "refunding",
        "name_translations": {"en": "Card", "zh-hant": "信用卡"},
        "total": None,
        "paid_at": at(1),
        "updated_at": at(2),
    }


def test_the_delivery() -> None:
    delivery = of(
        an_event(DeliveryMethodChanged, method={"before": {}, "after": {"en": "Post"}}),
        an_event(DeliveryStatusUpdated, status="shipped", timestamp=a_moment(1)),
        an_event(DeliveryStatusUpdated, status="returning", timestamp=a_moment(2)),
        an_event(RefDeliveryStatusUpdated, status="store_closed", timestamp=a_moment(3)),
        an_event(DeliveryRemarkCreated, text="Ring once"),
        an_event(DeliveryRemarkUpdated, text="Ring twice"),
    )["order_delivery"]

    assert delivery == {
        "status": "returning",
        "delivery_status": "store_closed",
        "name_translations": {"en": "Post"},
        "remark": "Ring twice",
        "shipped_at": at(1),
        "arrived_at": None,
        "collected_at": None,
        "returned_at": None,
        "updated_at": at(3),
    }


def test_what_customers_may_see_is_a_comment_and_the_rest_a_note() -> None:
    order = of(
        an_event(CommentAdded, text="Where is it?", sender="customer", timestamp=a_moment(1)),
        an_event(CommentAdded, text="On its way", timestamp=a_moment(2)),
        an_event(CommentAdded, text="He called", is_private=True, timestamp=a_moment(3)),
    )

    assert order["order_comments"] == [
        {"owner_type": "User", "value": "Where is it?", "time": at(1)},
        {"owner_type": "Merchant", "value": "On its way", "time": at(2)},
    ]
    assert order["order_notes"] == [{"owner_type": "Merchant", "value": "He called", "time": at(3)}]


def test_an_archived_order_is_not_present() -> None:
    order = folded(a_ledger(a_created_event(), an_event(Archived)))

    with pytest.raises(OrderArchived, match="Order '1001' is archived"):
        order.require_present()
