"""Numbers and amounts of money as pages show them. Scripts write them in the reader's language."""

from collections.abc import Iterable, Mapping
from typing import Any

from markupsafe import Markup

from domain.labels import decimals_of
from domain.values import Money


def amount(cents: int, currency: str) -> Markup:
    """Return an amount of money."""
    digits = decimals_of(currency)
    sign, text = "−" if cents < 0 else "", str(abs(cents)).zfill(digits + 1)
    printed = f"{text[:-digits]}.{text[-digits:]}" if digits else text
    plain = f"-{printed}" if cents < 0 else printed
    return Markup('<data class="num" value="{}" data-currency="{}">{}{} {}</data>').format(
        plain, currency, sign, printed, currency
    )


def money(value: Money | Mapping[str, Any] | None) -> Markup:
    """Return an amount as it is in an order's state or in an event's data."""
    if value is None:
        return Markup("–")
    if isinstance(value, Money):
        return amount(value.cents, value.currency_iso)
    return amount(int(value["cents"]), str(value["currency_iso"]))


def is_money(value: Any) -> bool:
    """Return whether a part of an event's data is an amount of money."""
    return isinstance(value, dict) and isinstance(value.get("cents"), int) and "currency_iso" in value


def sums(amounts: Iterable[Money]) -> dict[str, int]:
    """Return the sum of amounts in each currency."""
    found: dict[str, int] = {}
    for each in amounts:
        found[each.currency_iso] = found.get(each.currency_iso, 0) + each.cents
    return found


def number(value: float | None) -> Markup:
    """Return a number."""
    if value is None:
        return Markup("–")
    return Markup('<data class="num" value="{}">{:,}</data>').format(value, value)


FILTERS: dict[str, Any] = {"money": money, "amount": amount, "number": number, "is_money": is_money}
