"""Group commit: appends that wait at the same time share one call, one transaction, and one flush to disk."""

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from math import inf
from time import monotonic

from application.ledger.port import Append, Appended, NewEvent, Prepare, Prepared, prepare
from application.runtime.measures import APPEND_SECONDS, APPENDS_WAITING, measure_commit
from application.runtime.request_context import current
from domain.errors import OrdertrailError, OutcomeUnknown, Unavailable
from domain.values import TenantName
from infrastructure.ledger.append_call import AppendCall, check
from infrastructure.ledger.append_writer import AppendWriter, Outcome
from infrastructure.ledger.clock import Clock
from infrastructure.postgres.reasons import ENDING
from infrastructure.postgres.watch import Watch

MAX_EVENTS_PER_COMMIT = 2_000
MAX_BYTES_PER_COMMIT = 16 * 2**20
MIN_GROUP = 32
"""How many appends may share a commit even if few wait. More than these are divided in two."""
RECONNECT_SECONDS = (0.0, 0.1, 0.3, 1.0, 3.0)
"""The waits before each attempt to find out the outcome of a call whose connection broke."""
LOOK_SECONDS = 0.5
"""How often we look for requests that have waited too long."""

_TOO_LONG = "Too many requests write to this ledger, and this one waited too long; try again"


class _Waiting:
    """An append in the queue, and the future of its answer."""

    __slots__ = ("_send_by", "append", "done", "events", "is_sent", "until")

    def __init__(self, append: Append) -> None:
        self.append = append
        self.events: Sequence[NewEvent] | None = None
        """Its events as they are stored, once its group was prepared."""
        self.done: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
        self.is_sent = False
        """Whether it is in a call, so that it may be stored."""
        self.until = inf
        """The time by which it must be answered, whatever the answer is."""

    def hurry(self, now: float, seconds: float) -> None:
        """Set two times: when it must be answered, and when it must be sent for a certain answer."""
        self.until, self._send_by = now + seconds, now + seconds / 2

    def is_late(self, now: float) -> bool:
        """Return whether it has waited too long."""
        return self.until != inf and now > (self.until if self.is_sent else self._send_by)

    def accept(self, prepared: Prepared) -> None:
        """Take its events as they are stored. If they cannot be stored, answer its caller."""
        if isinstance(prepared, Exception):
            self.answer(prepared)
            return
        try:
            check(self.append, prepared)
        except OrdertrailError as error:
            self.answer(error)
        else:
            self.events = prepared

    def answer(self, outcome: Outcome) -> None:
        """Answer the caller, unless they gave up waiting."""
        if self.done.done():
            return
        if isinstance(outcome, Exception):
            self.done.set_exception(outcome)
        else:
            self.done.set_result(outcome)

    def give_up(self, why: str) -> None:
        """Tell the caller that it was not written, or that the outcome is unknown."""
        if self.is_sent and self.events is not None:
            self.answer(OutcomeUnknown(tuple(event.event_id for event in self.events)))
        else:
            self.answer(Unavailable(why))


class GroupCommit:
    """Writers that take all appends that have queued up for a tenant while its last commit ran.

    An idle writer starts at once and waits for no company. Only one writer at a time writes for a tenant, because a
    second one would wait for the ledger's row lock; several writers serve several tenants.
    """

    def __init__(
        self,
        dsn: str,
        *,
        reconnect_seconds: Sequence[float] = RECONNECT_SECONDS,
        watch: Watch | None = None,
        clock: Clock | None = None,
        prepare: Prepare = prepare,
    ) -> None:
        self._dsn = dsn
        self._reconnect_seconds = reconnect_seconds
        self._watch = watch or Watch()
        self._clock = clock or Clock()
        self._prepare = prepare
        self._queues: dict[TenantName, deque[_Waiting]] = defaultdict(deque)
        self._ready: asyncio.Queue[TenantName] = asyncio.Queue()
        self._scheduled: set[TenantName] = set()
        self._unanswered: set[_Waiting] = set()
        self._writers: list[AppendWriter] = []
        self._is_looking = False
        self._is_closed = False

    @property
    def waiting(self) -> int:
        """The number of appends that were not answered yet."""
        return len(self._unanswered)

    async def append(self, append: Append) -> Appended:
        """See application.ledger.port.EventStore.append. A cancelled append may still have been recorded."""
        if self._is_closed:
            raise Unavailable(ENDING)
        if not self._watch.takes_writes:
            self._watch.require_writes()
        waiting, tenant = _Waiting(append), append.tenant
        self._unanswered.add(waiting)
        self._queues[tenant].append(waiting)
        if tenant not in self._scheduled:
            self._scheduled.add(tenant)
            self._ready.put_nowait(tenant)
        if not self._is_looking:
            self._look_later()
        if (request := current.get()) is None:
            return await waiting.done
        began = monotonic()
        waiting.hurry(began, request.seconds_left)
        try:
            appended = await waiting.done
        except (asyncio.CancelledError, OutcomeUnknown):
            request.may_have_written |= waiting.is_sent
            raise
        else:
            request.may_have_written = True
            return appended
        finally:
            APPEND_SECONDS.observe(request.waited(began))

    async def write(self) -> None:
        """Be a writer, for ever."""
        writer = AppendWriter(self._dsn, self._reconnect_seconds, self._watch)
        self._writers.append(writer)
        try:
            while True:
                tenant = await self._ready.get()
                call, group = self._take(tenant)
                began = monotonic()
                outcomes = await writer.outcomes(call)
                measure_commit(len(group), call.size, monotonic() - began)
                for waiting, outcome in zip(group, outcomes, strict=True):
                    waiting.answer(outcome)
                self._unanswered.difference_update(group)
                if self._queues[tenant]:
                    self._ready.put_nowait(tenant)
                else:
                    del self._queues[tenant]
                    self._scheduled.discard(tenant)
        finally:
            await writer.close()

    def _take(self, tenant: TenantName) -> tuple[AppendCall, list[_Waiting]]:
        """Take the appends that fit into one call. One that repeats a key or an event id waits for the next call.

        Appends that cannot be stored are answered and left out.
        """
        call = AppendCall(tenant, self._clock)
        group: list[_Waiting] = []
        later: list[_Waiting] = []
        for waiting in self._next(self._queues[tenant]):
            if waiting.events is None:
                self._unanswered.discard(waiting)
            elif call.bytes < MAX_BYTES_PER_COMMIT and call.add(waiting.append, waiting.events):
                waiting.is_sent = True
                group.append(waiting)
            else:
                later.append(waiting)
        self._queues[tenant].extendleft(reversed(later))
        return call, group

    def _next(self, queue: deque[_Waiting]) -> list[_Waiting]:
        """Return the first appends of a queue, and take them out of it. They are prepared, or answered."""
        # Take half of those that wait: while the database writes these, the clients of the others prepare their next
        # appends. If all went at once, the database and the clients would take turns.
        most = max(MIN_GROUP, len(self._unanswered) // 2)
        taken: list[_Waiting] = []
        events = 0
        while queue and len(taken) < most and events < MAX_EVENTS_PER_COMMIT:
            waiting = queue.popleft()
            if waiting.done.done():  # the caller gave up
                self._unanswered.discard(waiting)
                continue
            taken.append(waiting)
            for _, _, new_events in waiting.append.writes:
                events += len(new_events)
        new = [waiting for waiting in taken if waiting.events is None]
        for waiting, prepared in zip(new, self._prepare([waiting.append for waiting in new]), strict=True):
            waiting.accept(prepared)
        return taken

    def refuse_waiting(self, error: Unavailable) -> None:
        """Refuse the appends that are in no call yet: they need not wait for a lost database."""
        for queue in self._queues.values():
            for waiting in queue:
                waiting.answer(Unavailable(str(error), said=error.said, is_away=True, is_told=True))

    def _look_later(self) -> None:
        self._is_looking = True
        asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)

    def _look(self) -> None:
        """Answer the requests that have waited too long. Writers go on with their calls for a while."""
        self._is_looking = False
        now = monotonic()
        for writer in self._writers:
            writer.end_if_overdue(now)
        for waiting in self._unanswered:
            if waiting.is_late(now):
                waiting.give_up(_TOO_LONG)
        if self._unanswered:
            self._look_later()

    async def close(self) -> None:
        """Accept no more appends, and wait until the accepted ones are answered."""
        self._is_closed = True
        if self._unanswered:
            await asyncio.wait([waiting.done for waiting in self._unanswered])

    def abandon(self) -> None:
        """Answer all that still wait, because there will soon be no writers any more."""
        for waiting in self._unanswered:
            waiting.give_up(ENDING)


@asynccontextmanager
async def open_group_commit(
    dsn: str,
    *,
    writers: int = 4,
    reconnect_seconds: Sequence[float] = RECONNECT_SECONDS,
    watch: Watch | None = None,
    clock: Clock | None = None,
    prepare: Prepare = prepare,
) -> AsyncIterator[GroupCommit]:
    """Run a group commit with this many connections. On leaving, accepted appends are still written."""
    watch = watch or Watch()
    group_commit = GroupCommit(dsn, reconnect_seconds=reconnect_seconds, watch=watch, clock=clock, prepare=prepare)
    watch.on_loss(group_commit.refuse_waiting)
    watch.on_end(group_commit.abandon)
    tasks = [asyncio.create_task(group_commit.write(), name=f"group commit {n}") for n in range(writers)]
    try:
        try:
            with APPENDS_WAITING.following(lambda: group_commit.waiting):
                yield group_commit
        finally:
            await group_commit.close()
    finally:
        watch.forget(group_commit.refuse_waiting)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        group_commit.abandon()
