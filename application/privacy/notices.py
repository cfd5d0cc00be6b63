"""Remembers reported things, so that each is reported once and not each time it is met."""

from collections.abc import Hashable, Iterable

MOST = 10_000


class Noticed:
    """Remembers what was noticed. It starts afresh when it holds too much."""

    def __init__(self, *, most: int = MOST) -> None:
        self._most = most
        self._seen: set[Hashable] = set()

    def is_new(self, thing: Hashable) -> bool:
        """Return whether a thing is noticed for the first time, and remember it."""
        if thing in self._seen:
            return False
        if len(self._seen) >= self._most:
            self._seen.clear()
        self._seen.add(thing)
        return True

    def forget(self, things: Iterable[Hashable]) -> None:
        """Forget these things, because the report about them could not be made."""
        self._seen.difference_update(things)
