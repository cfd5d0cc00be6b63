"""How the partitions of a member are read on: which events it is handed, and how far each partition has come then."""

from collections.abc import Iterator, Sequence, Set
from typing import NamedTuple


class LaneCursor(NamedTuple):
    """How far a partition has come. The table consumer_partitions says what each number means."""

    partition: int
    token: int
    position: int
    previous: int | None
    read_to: int
    read_last: int
    read_previous: int | None

    def acknowledged(self, position: int) -> "LaneCursor":
        """Return how far it is when everything up to a position is done, of what was handed out.

        After the last event that was handed out there is none up to read_to that has to be: it goes on from there.
        """
        if position <= self.position:
            return self
        if position >= self.read_last:
            return self._replace(position=self.read_to, previous=self.read_previous)
        return self._replace(position=position, previous=position)


class LaneSeen(NamedTuple):
    """A wanted event of a partition, and whether its stream is held."""

    position: int
    partition: int
    is_held: bool


class Chosen(NamedTuple):
    """An event to hand out."""

    position: int
    partition: int
    token: int
    previous: int | None


class Read(NamedTuple):
    """The events to hand out, and the partitions that have come further."""

    chosen: list[Chosen]
    moved: list[LaneCursor]
    has_more: bool
    """Whether some of the wanted events were left for later."""


def in_groups(cursors: Sequence[LaneCursor], *, look: int) -> Iterator[list[LaneCursor]]:
    """Yield partitions that are so near each other that they are read together.

    So a partition that is far behind does not hold up those at the ledger's end.
    """
    group: list[LaneCursor] = []
    for cursor in sorted(cursors, key=lambda each: (each.position, each.partition)):
        if group and cursor.position >= group[0].position + look:
            yield group
            group = []
        group.append(cursor)
    if group:
        yield group


def read_on(cursors: Sequence[LaneCursor], seen: Sequence[LaneSeen], *, reached: int, limit: int) -> Read:
    """Return what to hand out of the wanted events, which are all that there are of these partitions up to reached.

    They are in ledger order, and come after the position of their partition. Events of held streams are passed over.
    Every partition gets its turn, so that one whose events nobody acknowledges does not hold up the others.
    """
    of_partition: dict[int, list[LaneSeen]] = {cursor.partition: [] for cursor in cursors}
    for event in seen:
        of_partition[event.partition].append(event)
    queues = {p: [e.position for e in events if not e.is_held] for p, events in of_partition.items()}
    turns = sorted((turn, position) for queue in queues.values() for turn, position in enumerate(queue))
    taken = {position for _, position in turns[:limit]}
    lanes = [_lane(each, of_partition[each.partition], taken, reached) for each in cursors]
    moved = [new for old, (_, new) in zip(cursors, lanes, strict=True) if new != old]
    return Read(sorted(one for chosen, _ in lanes for one in chosen), moved, has_more=len(turns) > limit)


def _lane(
    cursor: LaneCursor, seen: Sequence[LaneSeen], taken: Set[int], reached: int
) -> tuple[list[Chosen], LaneCursor]:
    """Return what to hand out of a partition, and how far it has come then."""
    previous = cursor.previous
    chosen: list[Chosen] = []
    for event in seen:
        if not event.is_held and event.position not in taken:
            reached = event.position - 1
            break
        if not event.is_held:
            chosen.append(Chosen(event.position, cursor.partition, cursor.token, previous))
        previous = event.position
    if reached <= cursor.position:
        return chosen, cursor
    if reached > cursor.read_to:
        last = chosen[-1].position if chosen else reached
        cursor = cursor._replace(read_to=reached, read_last=last, read_previous=previous)
    # If nothing is to be handed out up to here, there is nothing to wait for.
    return chosen, cursor if chosen else cursor._replace(position=reached, previous=previous)
