"""How orders are found by text: the query and the searched text are brought into the same form."""

from collections.abc import Iterable
from unicodedata import normalize

_BETWEEN = "\x1f"
"""Stands between the searched members. It never occurs in a query."""


def searchable(text: str) -> str:
    """Return a text in the form in which texts are compared: capitals, widths, ligatures and composed characters are
    alike.

    This is Unicode's compatibility caseless matching, except that no characters are ignored.
    """
    if text.isascii():
        return text.lower().replace(_BETWEEN, " ")
    folded = normalize("NFKD", text).casefold()
    # Fold once more: the first pass may compose two characters into one that folds to yet another form.
    return normalize("NFKC", normalize("NFKD", folded).casefold()).replace(_BETWEEN, " ")


def joined(members: Iterable[str | None]) -> str:
    """Return the searched members of an order as one text. No match spans two members."""
    return _BETWEEN.join([searchable(member) for member in members if member])


def with_member(found_by: str, member: str | None) -> str:
    """Return the searched text of an order with one more member."""
    return _BETWEEN.join([found_by, searchable(member)]) if member else found_by
