"""What was noticed before, so that it is said once and not each time it is met."""

from collections.abc import Hashable, Iterable

MOST = 10_000


class Noticed:
    """Remembers what was noticed; when that is much, it begins anew."""

    def __init__(self, *, most: int = MOST) -> None:
        self._most = most
        self._seen: set[Hashable] = set()

    def is_new(self, thing: Hashable) -> bool:
        """Return whether something was not noticed before, and notice it."""
        if thing in self._seen:
            return False
        if len(self._seen) >= self._most:
            self._seen.clear()
        self._seen.add(thing)
        return True

    def forget(self, things: Iterable[Hashable]) -> None:
        """Let these be noticed again: nobody could be told of them."""
        self._seen.difference_update(things)
