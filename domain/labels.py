"""Prints amounts as a shop does. The shop's way is learned from amounts that it printed, or stays unknown."""

import re
from collections.abc import Iterator, Sequence
from enum import Enum
from itertools import product
from typing import NamedTuple

from domain.values import Money

_DECIMALS = {
    **dict.fromkeys(
        (
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ),
        0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}
"""The number of decimals in ISO 4217, for currencies that do not have two."""
_MOST_DECIMALS = 4


def decimals_of(currency_iso: str) -> int:
    """Return how many decimals amounts of a currency have."""
    return _DECIMALS.get(currency_iso, 2)


# Besides the space, these blanks keep a number on one line: no-break, narrow no-break, thin and figure space.
_SEPARATORS = ".,'\u2019 \u00a0\u202f\u2009\u2007"
_DASHES = "-\u2012\u2013\u2014"
_MINUS = "-\u2010\u2011\u2012\u2013\u2014\u2212\ufe63\uff0d"
_BLANKS = "\\s\u200e\u200f\u061c"
"""Blanks, and the marks that set the direction of a text."""
_LABEL = re.compile(
    rf"(?P<before>[^0-9]*)(?P<number>[0-9](?:[0-9{_SEPARATORS}]*[0-9])?(?:[.,][{_DASHES}]{{1,2}})?)(?P<after>[^0-9]*)"
)
_OUTER_SIGN_BEFORE = re.compile(rf"^[{_BLANKS}]*[{_MINUS}+(][{_BLANKS}]*")
_INNER_SIGN_BEFORE = re.compile(rf"[{_MINUS}+(][{_BLANKS}]*$")
_INNER_SIGN_AFTER = re.compile(rf"^[{_BLANKS}]*[{_MINUS}+)]")
_OUTER_SIGN_AFTER = re.compile(rf"[{_BLANKS}]*[{_MINUS}+)][{_BLANKS}]*$")


class _Decimals(Enum):
    """When the decimals of an amount are printed."""

    ALWAYS = "12.00 and 12.50"
    UNLESS_ZERO = "12 and 12.50"
    DASHES_FOR_ZERO = "12.- and 12.50"
    TRIMMED = "12 and 12.5"
    TRIMMED_TO_ONE = "12.0 and 12.5"


class _Convention(NamedTuple):
    """A way to print numbers. digits are the currency's decimals; shown is how many are printed, if that is always the
    same.
    """

    digits: int
    decimals: _Decimals
    shown: int
    dashes: str
    point: str
    separator: str
    is_indian: bool
    """Whether all groups of digits but the last have two digits: 12,34,567."""
    groups_four: bool
    """Whether numbers of four digits are grouped like longer ones."""

    def print(self, cents: int) -> str:
        """Return an amount without its sign."""
        whole, fraction = divmod(abs(cents), 10**self.digits)
        return self._grouped(str(whole)) + self._decimals(str(fraction).zfill(self.digits) if self.digits else "")

    def _grouped(self, digits: str) -> str:
        if not self.separator or len(digits) <= (3 if self.groups_four else 4):
            return digits
        first, size = digits[:-3], 2 if self.is_indian else 3
        groups = [first[max(end - size, 0) : end] for end in range(len(first), 0, -size)]
        return self.separator.join([*reversed(groups), digits[-3:]])

    def _decimals(self, digits: str) -> str:
        match self.decimals:
            case _Decimals.ALWAYS:
                printed = digits.ljust(self.shown, "0")
            case _Decimals.UNLESS_ZERO:
                printed = digits if digits.strip("0") else ""
            case _Decimals.DASHES_FOR_ZERO:
                printed = digits if digits.strip("0") else self.dashes
            case _Decimals.TRIMMED:
                printed = digits.rstrip("0")
            case _Decimals.TRIMMED_TO_ONE:
                printed = digits.rstrip("0") or "0"
        return self.point + printed if printed else ""

    @property
    def rarity(self) -> int:
        """How rare this way of printing is. A rare way is assumed only if no more common one fits."""
        is_trimmed = self.decimals in {_Decimals.TRIMMED, _Decimals.TRIMMED_TO_ONE}
        if is_trimmed or not self.groups_four or self.shown > self.digits:
            return 2
        return 1 if self.decimals is _Decimals.UNLESS_ZERO else 0


class _Label(NamedTuple):
    """The parts of a label: its number, and what stands before and after it."""

    before: str
    number: str
    after: str

    @property
    def around(self) -> tuple[str, str]:
        return self.before, self.after

    @property
    def unsigned(self) -> tuple[str, str]:
        """The texts around a number without its sign: the two texts with signs at their edges removed."""
        before = _INNER_SIGN_BEFORE.sub("", _OUTER_SIGN_BEFORE.sub("", self.before))
        after = _OUTER_SIGN_AFTER.sub("", _INNER_SIGN_AFTER.sub("", self.after))
        is_bracketed = "(" in self.before and ")" in self.after
        return self.around if "(" in self.before + self.after and not is_bracketed else (before, after)


def label_like(whole: Money, cents: int, printed: Sequence[Money] = ()) -> str:
    """Return an amount, a part of a whole, as the shop would print it; empty if the shop's labels do not show how.

    printed are more amounts that the shop printed, such as the others of the order. An amount with the whole's sign is
    printed with the whole's sign, whatever it looks like: some shops print discounts with a minus and count them
    without.
    """
    if cents == whole.cents:
        return whole.label
    around = _around(whole, cents, printed)
    if around is None:
        return ""
    numbers = {convention.print(cents) for convention in _conventions(whole, printed)}
    return around[0] + numbers.pop() + around[1] if len(numbers) == 1 else ""


def _parts(label: str) -> _Label | None:
    """Return a label's parts; None if it is not one number with a text before and after it that is allowed there."""
    found = _LABEL.fullmatch(label)
    if found is None:
        return None
    before, number, after = found.groups()
    # Refuse digits of another number, a percent or per mille sign, and a point that may belong to the number.
    if any(character.isnumeric() or character in "%\u2030\u066a\uff05" for character in before + after):
        return None
    return None if after.startswith((".", ",")) else _Label(before, number, after)


def _around(whole: Money, cents: int, printed: Sequence[Money]) -> tuple[str, str] | None:
    """Return the texts around an amount's number; None if the label does not show them."""
    label = _parts(whole.label)
    if label is None:
        return None
    if cents != 0:
        return label.around if cents * whole.cents > 0 or whole.cents == 0 < cents else None
    return _around_zero(whole, label, [(other, parts) for other in printed if (parts := _parts(other.label))])


def _around_zero(whole: Money, label: _Label, printed: Sequence[tuple[Money, _Label]]) -> tuple[str, str] | None:
    """Return the texts around zero. Zero has no sign, so a possible sign in the whole's label must be removed."""
    if whole.cents > 0 and label.unsigned == label.around:
        return label.around
    positive = {parts.around for amount, parts in printed if amount.cents >= 0 and amount != whole}
    if len(positive) == 1:  # a shop may also use another blank beside a sign
        return positive.pop()
    return label.unsigned if whole.cents < 0 or label.unsigned in positive else None


def _conventions(whole: Money, printed: Sequence[Money]) -> list[_Convention]:
    """Return the conventions that print the whole. Each other amount narrows them down, unless none would be left."""
    numbers = [(amount.cents, label.number) for amount in (whole, *printed) if (label := _parts(amount.label))]
    conventions = list(_all_conventions({number for _, number in numbers}, _digits([whole, *printed])))
    for place, (cents, number) in enumerate(numbers):
        fitting = [way for way in conventions if way.print(cents) == number]
        if place == 0 or fitting:
            conventions = fitting
    commonest = min((way.rarity for way in conventions), default=0)
    return [way for way in conventions if way.rarity == commonest]


def _digits(amounts: Sequence[Money]) -> set[int]:
    """Return the possible numbers of the currency's decimals: by the shop's own amounts, or else the usual ones."""
    told = [amount for amount in amounts if amount.cents and amount.dollars]
    found = {digits for digits in range(_MOST_DECIMALS + 1) if all(_agrees(amount, digits) for amount in told)}
    if told and found:
        return found
    return {decimals_of(amounts[0].currency_iso)}


def _agrees(amount: Money, digits: int) -> bool:
    """Whether an amount's dollars equal its cents if a dollar has so many decimals."""
    return abs(abs(amount.dollars) * 10.0**digits - abs(amount.cents)) <= 1e-9 * abs(amount.cents)


def _all_conventions(numbers: set[str], digits: set[int]) -> Iterator[_Convention]:
    """Yield all ways to print numbers that use the separators of these numbers."""
    separators = ["", *(mark for mark in _SEPARATORS if any(mark in number for number in numbers))]
    dashes = {number.lstrip("0123456789" + _SEPARATORS) for number in numbers} - {""}
    for count in digits:
        styles = [(_Decimals.ALWAYS, shown, "") for shown in range(count, _MOST_DECIMALS + 1)]
        styles += [(style, 0, "") for style in (_Decimals.UNLESS_ZERO, _Decimals.TRIMMED, _Decimals.TRIMMED_TO_ONE)]
        styles += [(_Decimals.DASHES_FOR_ZERO, 0, dash) for dash in dashes]
        for style, point, separator, *grouping in product(styles, ".,", separators, (False, True), (True, False)):
            if point != separator:
                yield _Convention(count, *style, point, separator, *grouping)
