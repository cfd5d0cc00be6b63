"""Splitting an order: the money balances, a child exists once, and parent and child know each other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.events.lifecycle import Created, Edited
from domain.events.split import Split, SplitChanges, SplitFrom
from domain.order_state import changes
from domain.values import Money, Totals
from tests.builders import a_customer, a_moment, a_service_event, an_actor, an_event, an_order, money, totals
from tests.refusals import assert_refused


def test_a_split_records_both_orders() -> None:
    parent = an_order("1001", totals=totals(10_000, 12_000, 2_000))

    child = parent.split("1001-2", totals(4_000, 5_000, 1_000), actor=an_actor(), timestamp=a_moment(1))

    assert parent.collect_events() == [
        an_event(Split, child_order_id="1001-2", originator_version=2, actor=an_actor(), timestamp=a_moment(1)),
        an_event(
            SplitChanges,
            **changes(totals(10_000, 12_000, 2_000), totals(6_000, 7_000, 1_000)),
            originator_version=3,
            actor=an_actor(),
            timestamp=a_moment(1),
        ),
    ]
    assert child.collect_events() == [
        an_event(
            Created,
            order_id="1001-2",
            created_by="split",
            totals=totals(4_000, 5_000, 1_000),
            customer=a_customer(),
            originator_version=1,
            actor=an_actor(),
            timestamp=a_moment(1),
        ),
        an_event(
            SplitFrom,
            order_id="1001-2",
            parent_order_id="1001",
            originator_version=2,
            actor=an_actor(),
            timestamp=a_moment(1),
        ),
    ]


def test_after_a_split_parent_and_child_know_each_other() -> None:
    parent = an_order("1001")

    child = parent.split("1001-2", totals(4_000))

    assert (parent.state.children, parent.state.parent) == (["1001-2"], None)
    assert (child.state.children, child.state.parent) == ([], "1001")
    assert (parent.version, child.version) == (3, 2)


AMOUNTS = st.integers(min_value=-(10**9), max_value=10**9)


@given(st.tuples(AMOUNTS, AMOUNTS, AMOUNTS), st.tuples(*[st.floats(0, 1)] * 3))
def test_the_money_of_a_split_balances(whole: tuple[int, int, int], shares: tuple[float, float, float]) -> None:
    part = [int(cents * share) for cents, share in zip(whole, shares, strict=True)]
    parent = an_order(totals=totals(*whole))

    child = parent.split("1001-2", totals(*part))

    assert parent.state.totals is not None
    assert child.state.totals is not None
    for name, cents in zip(("total", "subtotal", "discount"), whole, strict=True):
        rest, split_off = getattr(parent.state.totals, name), getattr(child.state.totals, name)
        assert rest.cents + split_off.cents == cents
        assert rest.dollars + split_off.dollars == pytest.approx(cents / 100, abs=1e-5)


@pytest.mark.parametrize(
    ("whole", "part", "rest"),
    [
        (money(100_000), money(1_050), money(98_950)),
        (money(100_050), money(50), money(100_000).model_copy(update={"label": "€1,000.00"})),
        (money(10_000), money(10_000), money(0)),
        (money(0), money(0), money(0)),
        # A currency without decimals: its cents are not hundredths.
        (
            Money(cents=2_720, currency_iso="TWD", currency_symbol="NT$", label="NT$2,720", dollars=2_720),
            Money(cents=720, currency_iso="TWD"),
            Money(cents=2_000, currency_iso="TWD", currency_symbol="NT$", label="NT$2,000", dollars=2_000),
        ),
        # A shop that prints nothing.
        (
            Money(cents=500, currency_iso="EUR"),
            Money(cents=200, currency_iso="EUR"),
            Money(cents=300, currency_iso="EUR"),
        ),
    ],
)
def test_what_is_left_after_a_split_is_printed_like_the_whole(whole: Money, part: Money, rest: Money) -> None:
    def everywhere(amount: Money) -> Totals:
        return Totals(total=amount, subtotal=amount, discount=amount)

    parent = an_order(totals=everywhere(whole))

    parent.split("1001-2", everywhere(part))

    assert parent.state.totals == everywhere(rest)


def test_all_amounts_of_a_split_are_printed_alike() -> None:
    def kroner(cents: int) -> Money:
        label = f"{cents / 100:,.2f} kr".replace(",", "\u00a0").replace(".", ",")
        return Money(cents=cents, currency_iso="NOK", currency_symbol="kr", label=label, dollars=cents / 100)

    def in_kroner(total: int, subtotal: int, discount: int) -> Totals:
        return Totals(total=kroner(total), subtotal=kroner(subtotal), discount=kroner(discount))

    def plain(total: int, subtotal: int, discount: int) -> Totals:
        amounts = {"total": total, "subtotal": subtotal, "discount": discount}
        return Totals(**{name: Money(cents=cents, currency_iso="NOK") for name, cents in amounts.items()})

    parent = an_order(totals=in_kroner(1_234_500, 1_300_000, 65_500))

    child = parent.split("1001-2", plain(100_000, 110_000, 10_000))
    by_lines = parent.split("1001-3", Money(cents=100_000, currency_iso="NOK"))

    assert child.state.totals == in_kroner(100_000, 110_000, 10_000)
    assert by_lines.state.totals == in_kroner(95_337, 100_000, 4_663)
    assert parent.state.totals == in_kroner(1_039_163, 1_090_000, 50_837)


def test_what_is_told_of_a_childs_amounts_stays_as_it_was_told() -> None:
    parent = an_order(totals=totals(10_050, 10_050, 0))
    told = Money(cents=1_000, currency_iso="EUR", currency_symbol="EUR", label="ten", dollars=10.5)

    child = parent.split("1001-2", totals(1_000, 1_000, 0).model_copy(update={"total": told}))

    assert child.state.totals is not None
    assert child.state.totals.total == told


@pytest.mark.parametrize("name", ["total", "subtotal", "discount"])
@pytest.mark.parametrize("cents", [10_001, -1])
def test_a_part_is_not_larger_than_the_whole_and_not_negative(name: str, cents: int) -> None:
    order = an_order(totals=totals(10_000, 10_000, 10_000))
    part = totals(1, 1, 1).model_copy(update={name: money(cents)})

    assert_refused(
        order, lambda: order.split("1001-2", part), f"The {name} to split off, {cents} cents, is not between 0 and"
    )


def test_a_negative_discount_is_split_like_a_positive_one() -> None:
    order = an_order(totals=totals(9_000, 10_000, -1_000))

    order.split("1001-2", totals(4_000, 4_500, -500))

    assert order.state.totals == totals(5_000, 5_500, -500)
    assert_refused(order, lambda: order.split("1001-3", totals(1, 1, 1)), "The discount to split off, 1 cents")


def test_a_split_stays_within_the_currency() -> None:
    order = an_order()

    assert_refused(order, lambda: order.split("1001-2", totals(1, currency="USD")), "different currencies: EUR, USD")


def test_an_order_without_totals_cannot_be_divided() -> None:
    order = an_order(totals=None)

    assert_refused(order, lambda: order.split("1001-2", totals()), "created without totals")


@pytest.mark.parametrize("whole", [totals(10_000), None])
def test_a_split_of_which_nobody_knows_the_amounts_leaves_what_is_known(whole: Totals | None) -> None:
    parent = an_order("1001", totals=whole)

    child = parent.split("1001-2", None, options={"order_items": []}, timestamp=a_moment(1))

    assert parent.collect_events() == [
        an_event(
            Split, child_order_id="1001-2", options={"order_items": []}, originator_version=2, timestamp=a_moment(1)
        )
    ]
    assert [type(event) for event in child.collect_events()] == [Created, SplitFrom]
    assert (parent.state.totals, child.state.totals) == (whole, None)
    assert (parent.state.children, child.state.parent, child.state.customer) == (["1001-2"], "1001", a_customer())


def test_an_order_whose_amounts_are_learned_after_a_split_takes_them() -> None:
    parent = an_order("1001", totals=totals(10_000))
    child = parent.split("1001-2", None)

    parent.accept(an_event(Edited, **changes(totals(10_000), totals(7_000))))
    child.accept(an_event(Edited, order_id="1001-2", **changes(totals(10_000), totals(3_000))))

    assert (parent.state.totals, child.state.totals) == (totals(7_000), totals(3_000))


def test_an_order_is_not_split_into_itself() -> None:
    order = an_order("1001")

    assert_refused(order, lambda: order.split("1001", totals(1)), "Order 1001 exists already")


def test_a_child_is_split_off_once() -> None:
    order = an_order()
    order.split("1001-2", totals(1))

    assert_refused(order, lambda: order.split("1001-2", totals(1)), "Order 1001-2 exists already")


def test_an_order_is_split_until_nothing_is_left() -> None:
    order = an_order(totals=totals(10_000))

    order.split("1001-2", totals(4_000))
    order.split("1001-3", totals(6_000))

    assert order.state.totals == totals(0)
    assert_refused(order, lambda: order.split("1001-4", totals(1)), "is not between 0 and the order's 0 cents")


@pytest.mark.parametrize(
    ("whole", "price", "part"),
    [
        (totals(10_000, 12_000, 2_000), 6_000, totals(5_000, 6_000, 1_000)),
        (totals(10_000, 12_000, 2_000), 12_000, totals(10_000, 12_000, 2_000)),
        (totals(10_050, 12_050, 2_000), 1, totals(1, 1, 0)),
        (totals(10_000, 12_000, -2_000), 6_000, totals(5_000, 6_000, -1_000)),
        (totals(12_500, 12_000), 6_000, totals(6_000, 6_000)),
        (totals(0, 0), 0, totals(0, 0)),
    ],
)
def test_lines_take_their_share_of_the_discount_with_them(whole: Totals, price: int, part: Totals) -> None:
    parent = an_order(totals=whole)

    child = parent.split("1001-2", Money(cents=price, currency_iso="EUR"))

    assert child.state.totals == part


@pytest.mark.parametrize(("price", "complaint"), [(12_001, "is not between 0 and"), (-1, "is not between 0 and")])
def test_lines_cost_no_more_than_the_order(price: int, complaint: str) -> None:
    order = an_order(totals=totals(10_000, 12_000, 2_000))

    assert_refused(order, lambda: order.split("1001-2", Money(cents=price, currency_iso="EUR")), complaint)
    assert_refused(order, lambda: order.split("1001-2", Money(cents=1, currency_iso="USD")), "different currencies")


def test_whoever_splits_must_know_the_newest_change() -> None:
    order = an_order()
    order.accept(an_event(status="confirmed"))
    order.accept(a_service_event())
    order.collect_events()

    assert_refused(
        order, lambda: order.split("1001-2", totals(1), changed_version=1), "Order 1001 was changed after it was read"
    )
    order.split("1001-2", totals(1), changed_version=2)

    assert order.changed_version == order.version == 5
