"""What an order was: its state as some of its events made it, and what others changed about it."""

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from application.ledger.codec import DAMAGE, decode, in_words
from application.ledger.port import RecordedEvent
from application.privacy.legible import why_unreadable
from domain.errors import InvalidEvent
from domain.order_state import OrderState, fold

Clock = Literal["recorded", "occurred"]
"""Whose clock a time is of: ours, when the event was recorded, or its producer's, when it occurred."""
Path = tuple[str, ...]
"""Where a field is in an order's state: a name, and the names within it."""


class FieldDifference(NamedTuple):
    """A field with its values before and after some events, and the last of them that set it."""

    path: Path
    before: Any
    after: Any
    made_by: RecordedEvent


class EventUnread(NamedTuple):
    """An event of an order that cannot be read, or not all of it, and why."""

    event: RecordedEvent
    why: str


class PastOrder:
    """An order as those of its events made it that it was given, in ledger order."""

    def __init__(self, order_id: str) -> None:
        self.order_id = order_id
        self.state = OrderState()
        self.newest: RecordedEvent | None = None
        """The last event it was given that can be read."""
        self.unread: list[EventUnread] = []
        """The events it was given that cannot be read, or not all of them: what they changed is not known."""

    def take(self, event: RecordedEvent) -> None:
        """Fold an event. One that cannot be read counts, and changes nothing."""
        try:
            self.state.evolve(decode(event))
        except (InvalidEvent, *DAMAGE) as damage:
            fold(vars(self.state), "", {}, event.version, event.occurred_at)
            self._cannot_read(event, why_unreadable(event) or in_words(damage))
            return
        self.newest = event
        if why := why_unreadable(event):
            self._cannot_read(event, why)

    def _cannot_read(self, event: RecordedEvent, why: str) -> None:
        self.unread.append(EventUnread(event._replace(data=b"", metadata=b""), why))


class Comparison:
    """What changes about an order from now on."""

    def __init__(self, order: PastOrder) -> None:
        self._order = order
        self._before = self._now = described(order.state)
        self._made_by: dict[Path, RecordedEvent] = {}

    def take(self, event: RecordedEvent) -> None:
        """Fold an event, and note what it changes."""
        self._order.take(event)
        earlier, self._now = self._now, described(self._order.state)
        self._made_by.update((path, event) for path, _, _ in differences(earlier, self._now))

    def changes(self) -> list[FieldDifference]:
        """Return the fields that differ; not those that became again what they were."""
        return [FieldDifference(*change, self._last_at(change[0])) for change in differences(self._before, self._now)]

    def _last_at(self, path: Path) -> RecordedEvent:
        """Return the last event that changed this field, one that it is part of, or one within it."""
        related = [e for other, e in self._made_by.items() if other[: len(path)] == path[: len(other)]]
        return max(related, key=lambda event: event.version)


def described(state: OrderState) -> dict[str, Any]:
    """Return a state as it is shown: all that was folded, and what follows from it."""
    return {"state": state.combined_state, **state.model_dump()}


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[Path, Any, Any]]:
    """Return where two states differ, and how; every event counts the version on, so that is no difference."""
    return [difference for difference in _within((), before, after) if difference[0] != ("version",)]


def _within(path: Path, before: Any, after: Any) -> Iterator[tuple[Path, Any, Any]]:
    """Yield the innermost members in which two values differ."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name in {**before, **after}:
            yield from _within((*path, name), before.get(name), after.get(name))
    elif before != after:
        yield path, before, after
