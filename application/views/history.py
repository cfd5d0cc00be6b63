"""An order's past: its state after some of its events, and how later events changed it."""

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from application.ledger.codec import DAMAGE, decode, in_words
from application.ledger.port import RecordedEvent
from application.privacy.legible import why_unreadable
from domain.errors import InvalidEvent
from domain.order_state import OrderState, fold

Clock = Literal["recorded", "occurred"]
"""The clock of a time: ours when the event was recorded, or its producer's when it occurred."""
Path = tuple[str, ...]
"""The path to a field in an order's state: a name, and the names within it."""


class FieldDifference(NamedTuple):
    """A field with its values before and after some events, and the last of these events that set it."""

    path: Path
    before: Any
    after: Any
    made_by: RecordedEvent


class EventUnread(NamedTuple):
    """An event of an order that cannot be read, or only in part, and the reason."""

    event: RecordedEvent
    why: str


class PastOrder:
    """An order's state, folded from the events that it was given in ledger order."""

    def __init__(self, order_id: str) -> None:
        self.order_id = order_id
        self.state = OrderState()
        self.newest: RecordedEvent | None = None
        """The last readable event it was given."""
        self.unread: list[EventUnread] = []
        """The events that could not be read, or only in part. What they changed is not known."""

    def take(self, event: RecordedEvent) -> None:
        """Fold an event. An unreadable event raises the version and changes nothing else."""
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
    """How an order changes from now on."""

    def __init__(self, order: PastOrder) -> None:
        self._order = order
        self._before = self._now = described(order.state)
        self._made_by: dict[Path, RecordedEvent] = {}

    def take(self, event: RecordedEvent) -> None:
        """Fold an event, and note the fields it changes."""
        self._order.take(event)
        earlier, self._now = self._now, described(self._order.state)
        self._made_by.update((path, event) for path, _, _ in differences(earlier, self._now))

    def changes(self) -> list[FieldDifference]:
        """Return the fields that differ from the start. A field that has its first value again is not among them."""
        return [FieldDifference(*change, self._last_at(change[0])) for change in differences(self._before, self._now)]

    def _last_at(self, path: Path) -> RecordedEvent:
        """Return the last event that changed this field, a field that contains it, or a field within it."""
        related = [e for other, e in self._made_by.items() if other[: len(path)] == path[: len(other)]]
        return max(related, key=lambda event: event.version)


def described(state: OrderState) -> dict[str, Any]:
    """Return a state as it is shown: the folded fields, and the combined state that follows from them."""
    return {"state": state.combined_state, **state.model_dump()}


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[Path, Any, Any]]:
    """Return where and how two states differ. Every event raises the version, so the version is left out."""
    return [difference for difference in _within((), before, after) if difference[0] != ("version",)]


def _within(path: Path, before: Any, after: Any) -> Iterator[tuple[Path, Any, Any]]:
    """Yield the innermost members in which two values differ."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name in {**before, **after}:
            yield from _within((*path, name), before.get(name), after.get(name))
    elif before != after:
        yield path, before, after
