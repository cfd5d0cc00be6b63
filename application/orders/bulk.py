"""Bulk loads: events of many orders and integrations are recorded together, in chunks, as if told one after the other.

Facts, and the beginnings of orders, are recorded a chunk at once. What an order may refuse, and what such a chunk
refuses, is recorded one by one. Events of one order or integration are recorded in the order in which they came.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from application.access.callers import Tenant
from application.bodies.failed_calls import slim
from application.bodies.vault import SealedBodies
from application.ledger.codec import Drafts, new_event_id
from application.ledger.outcome import Recorded
from application.ledger.port import ANY, NO_STREAM, STREAM_EXISTS, Append, EventStore, ExpectedVersion, Write
from application.ledger.telling import find_known
from application.orders.integrations import IntegrationService
from application.orders.service import OrderService
from application.runtime.request_context import current_origin, renew
from domain.errors import EventIdReused, InvalidEvent, OrdertrailError, OutcomeUnknown, Unavailable
from domain.events.event import Event
from domain.events.integration import ExceptionLogged, IntegrationEvent, Recovered, Registered
from domain.events.lifecycle import Created
from domain.events.order_event import OrderEvent
from domain.order import DECISIONS
from domain.order_rules import require_fit
from domain.order_state import OrderState
from domain.streams import order_id_of, order_stream

TRIES = 5
PAUSE_SECONDS = 0.5
"""How often a chunk is tried while the database is away, and how long to wait before it is tried again."""
AT_ONCE = 16
"""How many streams are written one by one at the same time."""


class LoadLine(Protocol):
    """A line of a load that holds an event."""

    @property
    def number(self) -> int: ...

    @property
    def event(self) -> Event: ...


@dataclass
class ToldLine:
    """What became of the lines that were told so far."""

    recorded: int = 0
    repeated: int = 0
    position: int = 0
    refused: list[tuple[LoadLine, OrdertrailError]] = field(default_factory=list)

    def note(self, position: int, count: int, *, is_repeated: bool) -> None:
        self.position = max(self.position, position)
        if is_repeated:
            self.repeated += count
        else:
            self.recorded += count

    def refuse(self, line: LoadLine, why: OrdertrailError) -> None:
        self.refused.append((line, why))


class LoadStore(EventStore, Protocol):
    """A store that prepares an append before its turn."""

    async def prepared(self, append: Append) -> Append:
        """Return an append of many events that takes less time to append. Raises OrdertrailError."""


class Prepared(NamedTuple):
    """A chunk of lines by their streams: those that are told together, by one append, and those that are not."""

    together: dict[str, list[LoadLine]]
    append: Append
    apart: list[list[LoadLine]]


class BulkLoad:
    """Records one load. Idempotent by event ids: a load that is sent again records what is missing.

    Raises Unavailable or OutcomeUnknown if the database stays away.
    """

    def __init__(
        self,
        tenant: Tenant,
        store: LoadStore,
        orders: OrderService,
        integrations: IntegrationService,
        bodies: SealedBodies,
    ) -> None:
        self._tenant = tenant
        self._store = store
        self._orders = orders
        self._integrations = integrations
        self._bodies = bodies
        self.told = ToldLine()

    async def prepare(self, lines: Sequence[LoadLine]) -> Prepared:
        """Return a chunk of lines ready to be told. No two of them have the same event id, and every event has one."""
        by_stream: dict[str, list[LoadLine]] = defaultdict(list)
        decided: set[str] = set()
        for line in lines:
            stream = line.event.originator_id
            by_stream[stream].append(line)
            if type(line.event) in _DECIDED:
                decided.add(stream)
        special = [stream for stream in by_stream if stream in decided and not _is_simple(by_stream[stream])]
        apart = [by_stream.pop(stream) for stream in special]
        append = await self._append_of(by_stream)
        if by_stream:
            with suppress(OrdertrailError):  # appending it will tell what is wrong, and try again what may be
                append = await self._store.prepared(append)
        return Prepared(by_stream, append, apart)

    async def tell(self, chunk: Prepared) -> None:
        """Record a chunk of lines."""
        left = await self._tell_together(chunk.together, chunk.append) if chunk.together else []
        await self._tell_apart([*left, *chunk.apart])

    async def _tell_together(self, by_stream: dict[str, list[LoadLine]], append: Append) -> list[list[LoadLine]]:
        """Record lines of simple streams by one append. Return the lines that have to be told apart, by streams.

        If the append is refused, those that are known already are left out, and it is tried once more.
        """
        if await self._append(append):
            return []
        known, are_others = await self._known(append.writes)
        rest = {s: new for s, of in by_stream.items() if (new := [ln for ln in of if ln.event.event_id not in known])}
        is_new = known and rest and not are_others
        if is_new and await self._append(await self._append_of(rest)):
            return []
        return list(rest.values())

    async def _known(self, writes: Sequence[Write]) -> tuple[set[str], bool]:
        """Return the ids of the events that were recorded before, and whether others have ids of other events.

        Those may be the same, told of the order by its other name.
        """
        others: set[str] = set()
        while True:
            rest = [w._replace(events=tuple(e for e in w.events if e.event_id not in others)) for w in writes]
            try:
                known = await find_known(self._store, self._tenant.name, rest)
            except EventIdReused as reused:
                others |= set(reused.event_ids)
            else:
                if known:
                    self.told.note(max(e.position for e in known.values()), len(known), is_repeated=True)
                return set(known), bool(others)

    async def _append(self, append: Append) -> bool:
        """Make an append, which is recorded as a whole or not at all. Return whether it was."""
        for left in range(TRIES - 1, -1, -1):
            renew()
            try:
                appended = await self._store.append(append)
            except (Unavailable, OutcomeUnknown):
                # The ids of the events make it safe to try again, whatever became of them.
                if not left:
                    raise
                await asyncio.sleep(PAUSE_SECONDS)
            except OrdertrailError:
                return False
            else:
                count = sum(len(write.events) for write in append.writes)
                self.told.note(appended.last_position, count, is_repeated=appended.is_replayed)
                return True
        raise AssertionError

    async def _append_of(self, by_stream: Mapping[str, Sequence[LoadLine]]) -> Append:
        """Return an append of lines of simple streams."""
        drafts, writes = Drafts(current_origin()), []
        for stream, lines in by_stream.items():
            events = [line.event for line in lines]
            if isinstance(events[0], IntegrationEvent):
                events = [await self._slim(event) for event in events]
            writes.append(Write(stream, self._expected(events[0]), tuple([drafts.draft(event) for event in events])))
        return Append(self._tenant.name, tuple(writes))

    async def _slim(self, event: Event) -> Event:
        return await slim(self._bodies, self._tenant.name, event) if isinstance(event, ExceptionLogged) else event

    def _expected(self, first: Event) -> ExpectedVersion:
        if isinstance(first, Created):
            return NO_STREAM
        return ANY if isinstance(first, Registered) or self._tenant.is_implicit else STREAM_EXISTS

    async def _tell_apart(self, streams: Sequence[Sequence[LoadLine]]) -> None:
        """Record the lines of each stream one after the other, and several streams at the same time."""
        by_id: dict[str, list[LoadLine]] = defaultdict(list)
        for lines in streams:
            by_id[await self._name(lines[0].event)] += lines
        slots = asyncio.Semaphore(AT_ONCE)

        async def tell(lines: Sequence[LoadLine]) -> None:
            async with slots:
                for line in sorted(lines, key=lambda line: line.number):
                    await self._tell_alone(line)

        try:
            async with asyncio.TaskGroup() as tasks:
                for lines in by_id.values():
                    tasks.create_task(tell(lines))
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from errors

    async def _name(self, event: Event) -> str:
        """Return the stream that an event belongs to. An order may be named by its id and by its reference."""
        if not isinstance(event, OrderEvent) or isinstance(event, Created):
            return event.originator_id
        renew()
        return order_stream(await self._orders.id_of(self._tenant.name, order_id_of(event.originator_id)))

    async def _tell_alone(self, line: LoadLine) -> None:
        for left in range(TRIES - 1, -1, -1):
            renew()
            try:
                result = await self._record(line.event)
            except (Unavailable, OutcomeUnknown):
                if not left:
                    raise
                await asyncio.sleep(PAUSE_SECONDS)
            except OrdertrailError as why:
                self.told.refuse(line, why)
                return
            else:
                self.told.note(result.position, 1, is_repeated=result.is_replayed)
                return

    async def _record(self, event: Event) -> Recorded:
        match event:
            case Created():
                given = {name: getattr(event, name) for name in event.model_fields_set - {"originator_id"}}
                return (await self._orders.create(self._tenant, order_id_of(event.originator_id), **given)).recorded
            case OrderEvent():
                return await self._orders.record(self._tenant, order_id_of(event.originator_id), [event])
            case Registered():
                return await self._integrations.register(self._tenant, event)
            case ExceptionLogged():
                return await self._integrations.log(self._tenant, event)
            case Recovered():
                return await self._integrations.recover(self._tenant, event)
            case _:
                raise InvalidEvent(f"Nobody can tell of {event.topic}")


def is_tellable(event_class: type[Event]) -> bool:
    """Whether a load may hold events of this class."""
    return issubclass(event_class, (OrderEvent, Registered, ExceptionLogged, Recovered))


def identified(event: Event) -> Event:
    """Return the event with an id of its own, so that its recording can be tried again."""
    return event if event.event_id else event.model_copy(update={"event_id": new_event_id()})


def _is_simple(lines: Sequence[LoadLine]) -> bool:
    """Whether the lines of a stream with a decision can be recorded without reading it: its beginning, and facts."""
    first, *rest = (line.event for line in lines)
    if not isinstance(first, Created) or any(type(event) in _DECIDED for event in rest):
        return False
    try:
        require_fit(first, OrderState())
    except OrdertrailError:
        return False  # told alone, it is refused with the reason
    return True


_DECIDED = frozenset(DECISIONS)
