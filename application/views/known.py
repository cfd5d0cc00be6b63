"""Entries of a list that were rendered before, each with the form in which it was stored then."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class RenderedEntry(NamedTuple):
    """A rendered entry, and what its list has to know of its row."""

    row: Any
    """A hash of the row as it was stored; or, in a list of rows that never change, the time that puts it in order."""
    part: bytes


class KnownEntries:
    """The rendered entries of a list by position. An entry counts as known in a read that finds it stored as before."""

    def __init__(self, rendered: Mapping[int, RenderedEntry]) -> None:
        self.rendered = rendered
        self.stored: dict[int, int] = {}
        """The hashes of the rows that were read."""
        self.parts: dict[int, bytes] = {}
        """What is known of the rows that were read."""

    def is_known(self, position: int, row: tuple[Any, ...]) -> bool:
        """Note a row that was read, and return whether its rendered entry is known."""
        stored = self.stored[position] = hash(row)
        found = self.rendered.get(position)
        if found is None or found.row != stored:
            return False
        self.parts[position] = found.part
        return True
