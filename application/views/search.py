"""How orders are found by text: what is looked for, and what it is looked for in, in the same form."""

from collections.abc import Iterable
from unicodedata import normalize

_BETWEEN = "\x1f"
"""Stands between the members that an order is found by, and in nothing that is looked for."""


def searchable(text: str) -> str:
    """Return a text as it is compared: capitals, widths, ligatures and composed characters make no difference.

    That is Unicode's compatibility caseless matching, short of what it ignores.
    """
    if text.isascii():
        return text.lower().replace(_BETWEEN, " ")
    folded = normalize("NFKD", text).casefold()
    # Once more, for what only became visible: what is composed of two may fold into one that is composed otherwise.
    return normalize("NFKC", normalize("NFKD", folded).casefold()).replace(_BETWEEN, " ")


def joined(members: Iterable[str | None]) -> str:
    """Return the members that an order is found by as one text, in which nothing is found across two of them."""
    return _BETWEEN.join([searchable(member) for member in members if member])


def with_member(found_by: str, member: str | None) -> str:
    """Return the text that an order is found by, with one more member."""
    return _BETWEEN.join([found_by, searchable(member)]) if member else found_by
