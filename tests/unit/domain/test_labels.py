"""Amounts are printed as the shop printed others, or not at all: never another amount, never in another form."""

from collections.abc import Callable
from typing import NamedTuple

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.labels import label_like
from domain.values import Money

GROUPED: dict[str, Callable[[int], str]] = {
    "none": str,
    "commas": lambda whole: f"{whole:,}",
    "dots": lambda whole: f"{whole:,}".replace(",", "."),
    "spaces": lambda whole: f"{whole:,}".replace(",", " "),
    "no-break spaces": lambda whole: f"{whole:,}".replace(",", "\u00a0"),
    "narrow no-break spaces": lambda whole: f"{whole:,}".replace(",", "\u202f"),
    "apostrophes": lambda whole: f"{whole:,}".replace(",", "'"),
    "raised commas": lambda whole: f"{whole:,}".replace(",", "\u2019"),
    "Indian": lambda whole: indian(str(whole)),
}
DECIMALS: dict[str, Callable[[str], str]] = {
    "always": lambda digits: digits,
    "unless zero": lambda digits: digits if digits.strip("0") else "",
    "dashes": lambda digits: digits if digits.strip("0") else "-",
}
AROUND = ["€{}", "€ {}", "€\u00a0{}", "{} EUR", "{}\u00a0€", "{}€", "NT${}", "Rs.{}", "kr. {}", "S/.{}", "{}", "{} 元"]
SIGNED = ["-{}", "- {}", "\u2212{}", "({})", "{}-", "{} -"]


def indian(digits: str) -> str:
    head, tail = digits[:-3], digits[-3:]
    while len(head) > 2:
        head, tail = head[:-2], f"{head[-2:]},{tail}"
    return f"{head},{tail}" if head else tail


class Shop(NamedTuple):
    """How somebody prints amounts; digits are the currency's decimals."""

    digits: int
    grouped: str
    decimals: str
    point: str
    around: str
    signed: str
    is_sign_inside: bool

    def print(self, cents: int, *, is_signed: bool | None = None) -> str:
        whole, fraction = divmod(abs(cents), 10**self.digits)
        decimals = DECIMALS[self.decimals](str(fraction).zfill(self.digits)) if self.digits else ""
        number = GROUPED[self.grouped](whole) + (self.point + decimals if decimals else "")
        if not (cents < 0 if is_signed is None else is_signed):
            return self.around.format(number)
        if self.is_sign_inside:
            return self.around.format(self.signed.format(number))
        return self.signed.format(self.around.format(number))

    def may_print(self, cents: int) -> set[str]:
        """Return an amount as labels that do not tell all may have it: also with decimals that this shop leaves out."""
        return {self.print(cents), self._replace(decimals="always").print(cents), ""}

    def money(self, cents: int, *, is_signed: bool | None = None) -> Money:
        label = self.print(cents, is_signed=is_signed)
        return Money(cents=cents, currency_iso="EUR", label=label, dollars=cents / 10**self.digits)


@st.composite
def shops(draw: st.DrawFn) -> Shop:
    shop = Shop(
        digits=draw(st.sampled_from([0, 2, 3])),
        grouped=draw(st.sampled_from(sorted(GROUPED))),
        decimals=draw(st.sampled_from(sorted(DECIMALS))),
        point=draw(st.sampled_from(".,")),
        around=draw(st.sampled_from(AROUND)),
        signed=draw(st.sampled_from(SIGNED)),
        is_sign_inside=draw(st.booleans()),
    )
    assume(shop.point not in GROUPED[shop.grouped](1_234_567))
    # A minus behind dashes would be read for one of them, a dash that the currency follows at once for a minus.
    assume(shop.decimals != "dashes" or not shop.signed.endswith("-"))
    assume(shop.decimals != "dashes" or shop.around.startswith("€ ") or shop.around.endswith(" EUR"))
    return shop


CENTS = st.integers(min_value=1, max_value=10**11)
SIGNS = st.sampled_from([1, -1])


@given(st.text(max_size=20), st.integers(-(10**6), 10**6), st.floats(-(10**6), 10**6))
def test_the_whole_is_printed_as_it_was_whatever_that_is(label: str, cents: int, dollars: float) -> None:
    whole = Money(cents=cents, currency_iso="EUR", label=label.replace("\x00", ""), dollars=dollars)

    assert label_like(whole, cents) == whole.label


@given(shops(), CENTS, st.floats(0, 1), SIGNS)
def test_a_part_is_printed_as_the_shop_does_or_not_at_all(shop: Shop, cents: int, share: float, sign: int) -> None:
    part = sign * round(cents * share)

    assert label_like(shop.money(sign * cents), part) in shop.may_print(part)


@given(shops(), CENTS, st.floats(0, 1), SIGNS, st.lists(st.integers(-(10**11), 10**11), max_size=3))
def test_other_amounts_of_the_order_tell_no_untruth(
    shop: Shop, cents: int, share: float, sign: int, others: list[int]
) -> None:
    part = sign * round(cents * share)
    printed = [shop.money(other) for other in others]

    assert label_like(shop.money(sign * cents), part, printed) in shop.may_print(part)


@given(shops(), CENTS, st.floats(0, 1), SIGNS)
def test_where_the_labels_of_an_order_show_the_form_a_part_is_printed(
    shop: Shop, cents: int, share: float, sign: int
) -> None:
    part = sign * round(cents * share)
    printed = [shop.money(0), shop.money(123_456_789)]

    assert label_like(shop.money(sign * cents), part, printed) == shop.print(part)


@given(shops(), CENTS, st.floats(0, 1), SIGNS)
def test_a_discount_is_printed_in_the_shops_own_sign_convention(
    shop: Shop, cents: int, share: float, sign: int
) -> None:
    part, is_signed = sign * round(cents * share), sign > 0
    printed = [shop.money(0), shop.money(123_456_789)]

    like = label_like(shop.money(sign * cents, is_signed=is_signed), part, printed)

    assert like == shop.print(part, is_signed=is_signed and part != 0)


def labelled(cents: int, label: str, dollars: float | None = None, currency: str = "EUR") -> Money:
    return Money(cents=cents, currency_iso=currency, label=label, dollars=cents / 100 if dollars is None else dollars)


@pytest.mark.parametrize(
    ("whole", "cents", "label"),
    [
        # The currency's decimals, if the shop does not say how many cents a dollar has.
        (labelled(12_345, "KD 12.345", 0, "KWD"), 111, "KD 0.111"),
        (labelled(12_345, "¥12,345", 0, "JPY"), 345, "¥345"),
        (labelled(12_345, "$123.45", 0, "USD"), 345, "$3.45"),
        # A shop that does not count hundredths of a currency that has them.
        (labelled(12_345, "NT$12,345", 12_345, "TWD"), 345, "NT$345"),
        # Decimals are printed, as far as the label tells, so those of a zero are too.
        (labelled(12_345, "€123.45"), 11_200, "€112.00"),
        (labelled(123_456, "1.234,56 €"), 0, "0,00 €"),
        # Whole amounts without decimals; that commas group tells what the point is.
        (labelled(123_400, "€1,234"), 12_350, "€123.50"),
        (labelled(123_400, "1.234 €"), 12_350, "123,50 €"),
        # Dashes for no decimals.
        (labelled(1_200, "€ 12,-"), 1_150, "€ 11,50"),
        (labelled(1_200, "CHF 12.\u2013"), 1_100, "CHF 11.\u2013"),
        # Decimals without their zeros.
        (labelled(1_250, "€12.5"), 1_255, "€12.55"),
        (labelled(1_200, "12.0 EUR"), 1_150, "11.5 EUR"),
        # Groups that tell themselves apart.
        (labelled(12_345_678, "₹1,23,456.78"), 10_000_078, "₹1,00,000.78"),
        (labelled(12_345_678, "₨123,456.78"), 10_000_078, "₨100,000.78"),
        # Zero has no sign.
        (labelled(-1_200, "-€12.00"), 0, "€0.00"),
        (labelled(-1_200, "€ -12.00"), 0, "€ 0.00"),
        (labelled(-1_200, "12,00- €"), 0, "0,00 €"),
        (labelled(-1_200, "(12.00 EUR)"), 0, "0.00 EUR"),
        (labelled(1_200, "US-$12.00"), 0, "US-$0.00"),
        (labelled(0, "€0.00"), 500, "€5.00"),
        (labelled(500, ""), 300, ""),
    ],
)
def test_what_a_label_tells(whole: Money, cents: int, label: str) -> None:
    assert label_like(whole, cents) == label


@pytest.mark.parametrize(
    ("whole", "cents", "why"),
    [
        (labelled(12_300, "€123"), 11_250, "the point may be one or a comma"),
        (labelled(1_250, "€12.5"), 1_200, "it may be 12 or 12.0"),
        (labelled(12_345, "€123"), 300, "the label is another amount"),
        (labelled(50, "$.50", 0, "USD"), 5, "the point belongs to the number"),
        (labelled(1_000, "10%"), 600, "it is a share"),
        (labelled(1_000, "€10.00 (US$11.20)"), 600, "there are two numbers"),
        (labelled(1_000, "٣٫١٠"), 600, "they are no digits of ours"),
        (labelled(100, "½ €", 0.5), 60, "it is no number in digits"),
        (labelled(1_200, "-€12.00"), 0, "a discount may be printed with a minus, and nothing tells how zero is"),
        (labelled(1_200, "€12.00"), -100, "no minus was seen"),
        (labelled(12_345_678, "€12,3456.78"), 100, "the groups are of four"),
        (labelled(1_200, "free"), 600, "there is no number"),
    ],
)
def test_what_a_label_does_not_tell_is_not_printed(whole: Money, cents: int, why: str) -> None:
    assert label_like(whole, cents) == "", why


def test_numbers_of_four_digits_are_grouped_unless_another_label_shows_that_they_are_not() -> None:
    whole = labelled(1_234_567, "12.345,67 €")

    assert label_like(whole, 123_456) == "1.234,56 €"
    assert label_like(whole, 123_456, [labelled(499_900, "4999,00 €")]) == "1234,56 €"


@pytest.mark.parametrize(
    ("whole", "other", "zero"),
    [
        (labelled(-1_200, "-EUR12.00"), labelled(500, "EUR\u00a05.00"), "EUR\u00a00.00"),
        (labelled(1_200, "-EUR12.00"), labelled(500, "EUR\u00a05.00"), "EUR\u00a00.00"),
        (labelled(-1_200, "\u200f-12.00\u00a0EUR"), labelled(500, "\u200f5.00\u00a0EUR"), "\u200f0.00\u00a0EUR"),
        (labelled(-1_200, "-EUR12.00"), labelled(-500, "-EUR5.00"), "EUR0.00"),
    ],
)
def test_zero_is_printed_as_amounts_above_zero_are(whole: Money, other: Money, zero: str) -> None:
    assert label_like(whole, 0, [other]) == zero


def test_a_shop_that_was_seen_to_leave_decimals_out_leaves_them_out() -> None:
    whole = labelled(12_345, "€123.45")

    assert label_like(whole, 11_200) == "€112.00"
    assert label_like(whole, 11_200, [labelled(2_000, "€20")]) == "€112"
    assert label_like(whole, 11_200, [labelled(2_000, "€20.-")]) == "€112.-"


def test_an_amount_that_is_printed_otherwise_tells_nothing() -> None:
    whole, other = labelled(12_345, "€123.45"), labelled(2_000, "20 EUR off")

    assert label_like(whole, 2_345, [other]) == "€23.45"
