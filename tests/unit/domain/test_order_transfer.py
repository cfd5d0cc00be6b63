"""An order is transferred from one customer to another, or to a guest."""

import pytest

from domain.events.lifecycle import Transferred
from domain.values import Customer
from tests.builders import a_customer, an_event, an_order
from tests.refusals import assert_refused
from tests.unit.domain.customers import ALAN


def test_a_transfer_records_both_customers() -> None:
    order = an_order()

    order.transfer(ALAN)

    (transferred,) = order.collect_events()
    assert isinstance(transferred, Transferred)
    assert (transferred.original_customer, transferred.new_customer) == (a_customer(), ALAN)
    assert order.state.customer == ALAN


def test_an_order_without_a_customer_can_be_transferred() -> None:
    order = an_order(customer=None)

    order.transfer(ALAN)

    (transferred,) = order.collect_events()
    assert isinstance(transferred, Transferred)
    assert transferred.original_customer == Customer()


def test_an_order_is_not_transferred_to_the_customer_it_belongs_to() -> None:
    order = an_order()

    assert_refused(order, lambda: order.transfer(a_customer(name="Grace H.")), "belongs to customer 'c1' already")


@pytest.mark.parametrize("before", [None, Customer(), Customer(name="Guest One"), Customer(id="c1", name="Grace")])
def test_an_order_is_transferred_to_a_guest_whoever_it_belongs_to(before: Customer | None) -> None:
    order = an_order(customer=before)

    order.transfer(Customer(name="Guest Two"))
    order.transfer(Customer(name="Guest Two"))

    assert order.state.customer == Customer(name="Guest Two")
    assert len(order.collect_events()) == 2


def test_an_order_of_a_guest_is_transferred_to_somebody() -> None:
    order = an_order(customer=Customer(name="Guest One"))

    order.transfer(ALAN)

    assert order.state.customer == ALAN
    assert_refused(order, lambda: order.transfer(ALAN), "belongs to customer 'c2' already")


def test_an_order_of_nobody_is_not_transferred_to_nobody() -> None:
    order = an_order(customer=Customer())

    assert_refused(order, lambda: order.transfer(Customer()), "has no customer already")


@pytest.mark.parametrize(
    ("before", "told", "fits"),
    [
        (Customer(name="Guest One"), Customer(name="Guest 1"), True),
        (Customer(name="Guest One"), Customer(), True),
        (Customer(name="Guest One"), a_customer(), False),
        (a_customer(), Customer(name="Grace"), False),
        (a_customer(), Customer(), False),
        (None, a_customer(), True),
        (Customer(), a_customer(), True),
    ],
)
def test_a_reported_transfer_starts_from_nobody_else_than_is_known(
    before: Customer | None, told: Customer, fits: bool
) -> None:
    order = an_order(customer=before)
    event = an_event(Transferred, original_customer=told, new_customer=ALAN)

    if fits:
        order.accept(event)
        assert order.state.customer == ALAN
    else:
        assert_refused(order, lambda: order.accept(event), "belongs to customer")


def test_an_order_that_was_transferred_to_nobody_is_anybodys() -> None:
    order = an_order()
    order.transfer(Customer())

    order.accept(an_event(Transferred, original_customer=a_customer(), new_customer=ALAN))

    assert order.state.customer == ALAN
