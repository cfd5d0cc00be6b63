"""Customers whom several tests of orders name."""

from tests.builders import a_customer

ALAN = a_customer(id="c2", name="Alan")
