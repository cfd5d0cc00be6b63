"""Group commit: appends that wait at the same time become one call, one transaction, one flush to disk."""

import asyncio
import logging
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import psycopg

from application.ledger import Appended, PendingAppend
from domain.errors import InvalidEvent, OutcomeUnknown, TenantNotFound, Unavailable
from domain.values import TenantName
from infrastructure.append_call import AppendCall, PreparedAppend, prepare
from infrastructure.clock import Clock
from infrastructure.database import Connection, connect, translate

_log = logging.getLogger(__name__)

MAX_EVENTS_PER_COMMIT = 2_000
MAX_BYTES_PER_COMMIT = 16 * 2**20
MIN_GROUP = 32
"""How many appends may share a commit however few wait in all; more than these are divided in two."""
RECONNECT_SECONDS = (0.0, 0.1, 0.3, 1.0, 3.0, 5.0)
"""How long to wait before each try to find out what became of a call whose connection broke."""

LOCK_TIMEOUT = "10s"
"""How long to wait for a ledger that somebody else holds; nothing was written when the wait is over."""

WRITER_SETTINGS = {"lock_timeout": LOCK_TIMEOUT, "plan_cache_mode": "force_generic_plan"}
"""The append function probes indexes whatever its arguments are: to plan it anew for each call gains nothing."""

Outcome = Appended | Exception


class _Waiting:
    __slots__ = ("_append", "_prepared", "done")

    def __init__(self, append: PendingAppend) -> None:
        self._append = append
        self._prepared: PreparedAppend | None = None
        self.done: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()

    def prepared(self) -> PreparedAppend | None:
        """Return the append ready to be stored; None, and tell who waits, if it cannot be stored."""
        if self._prepared is None:
            try:
                self._prepared = prepare(self._append)
            except Exception as error:
                self.answer(error)
        return self._prepared

    def answer(self, outcome: Outcome) -> None:
        """Tell who waits, unless they gave up waiting."""
        if self.done.done():
            return
        if isinstance(outcome, Exception):
            self.done.set_exception(outcome)
        else:
            self.done.set_result(outcome)

    def abandon(self) -> None:
        """Tell who waits that nobody will write it any more: what was ready may have been in a call."""
        nothing_attempted = Unavailable("This process is shutting down; try again")
        self.answer(OutcomeUnknown(tuple(self._prepared.event_ids)) if self._prepared else nothing_attempted)


class GroupCommit:
    """Writers that take whatever has queued up for a tenant while its last commit ran.

    An idle writer starts at once: nothing is delayed in the hope of company. A tenant is written by one writer at a
    time, since its ledger's row lock would make a second one wait; several writers serve several tenants.
    """

    def __init__(
        self, dsn: str, *, reconnect_seconds: Sequence[float] = RECONNECT_SECONDS, clock: Clock | None = None
    ) -> None:
        self._dsn = dsn
        self._reconnect_seconds = reconnect_seconds
        self._clock = clock or Clock()
        self._queues: dict[TenantName, deque[_Waiting]] = defaultdict(deque)
        self._ready: asyncio.Queue[TenantName] = asyncio.Queue()
        self._scheduled: set[TenantName] = set()
        self._unanswered: set[_Waiting] = set()
        self._is_closed = False

    async def append(self, append: PendingAppend) -> Appended:
        """See application.ledger.EventStore.append. One that is cancelled may have been recorded nevertheless."""
        if self._is_closed:
            raise Unavailable("This process is shutting down; try again")
        waiting = _Waiting(append)
        self._unanswered.add(waiting)
        self._queues[append.tenant].append(waiting)
        if append.tenant not in self._scheduled:
            self._scheduled.add(append.tenant)
            self._ready.put_nowait(append.tenant)
        return await waiting.done

    async def write(self) -> None:
        """Be a writer, for ever."""
        writer = _Writer(self._dsn, self._reconnect_seconds)
        try:
            while True:
                tenant = await self._ready.get()
                call, group = self._take(tenant)
                for waiting, outcome in zip(group, await writer.outcomes(call), strict=True):
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
        """Take what fits one call; what repeats a key or an event id of it waits for the next and is answered there.

        What cannot be stored is answered and left out.
        """
        call = AppendCall(tenant, self._clock)
        group: list[_Waiting] = []
        later: list[_Waiting] = []
        queue = self._queues[tenant]
        # Half of those who wait for an answer: while the database writes these, the others prepare their next appends.
        # If all of them went at once, the two would take turns.
        most = max(MIN_GROUP, len(self._unanswered) // 2)
        while queue and len(group) < most and call.events < MAX_EVENTS_PER_COMMIT and call.bytes < MAX_BYTES_PER_COMMIT:
            waiting = queue.popleft()
            if waiting.done.done() or (prepared := waiting.prepared()) is None:
                self._unanswered.discard(waiting)
            elif call.add(prepared):
                group.append(waiting)
            else:
                later.append(waiting)
        queue.extendleft(reversed(later))
        return call, group

    async def close(self) -> None:
        """Accept no more appends, and wait until those that were accepted are answered."""
        self._is_closed = True
        if self._unanswered:
            await asyncio.wait([waiting.done for waiting in self._unanswered])

    def abandon(self) -> None:
        """Leave nobody waiting when there are no writers any more."""
        for waiting in self._unanswered:
            waiting.abandon()


class _Writer:
    """One connection, and what is done when something goes wrong on it."""

    def __init__(self, dsn: str, reconnect_seconds: Sequence[float]) -> None:
        self._dsn = dsn
        self._reconnect_seconds = reconnect_seconds
        self._connection: Connection | None = None

    async def outcomes(self, call: AppendCall) -> Sequence[Outcome]:
        """Make the call, and return what came of each of its appends."""
        if not call.appends:
            return []
        try:
            return await self._outcomes(call)
        except Exception as error:
            _log.exception("An append failed for a reason that was not foreseen")
            await self.close()
            return [error] * len(call.appends)

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error):
                await connection.close()

    async def _outcomes(self, call: AppendCall) -> Sequence[Outcome]:
        is_unknown = False
        for seconds in self._reconnect_seconds:
            if is_unknown:
                await asyncio.sleep(seconds)
            try:
                self._connection = self._connection or await connect(self._dsn, settings=WRITER_SETTINGS)
                return await call.make(self._connection)
            except Unavailable as error:
                if not is_unknown:
                    return [error] * len(call.appends)
            except psycopg.Error as error:
                meaning = translate(error, tenant=call.tenant)
                # A later call that is given up tells nothing of the one whose connection broke: that may be under way.
                is_certain = not is_unknown or isinstance(meaning, InvalidEvent | TenantNotFound)
                if is_certain and _is_refusal(error, self._connection):
                    return await self._refused(call, error, meaning)
                # Whether the commit happened is not known. The same call with the same event ids finds out under the
                # ledger's lock: what is there is answered as replayed, what is not is written now.
                _log.warning("It is not known what became of an append; asking again")
                is_unknown = True
                await self.close()
        return [OutcomeUnknown(tuple(prepared.event_ids)) for prepared in call.appends]

    async def _refused(self, call: AppendCall, error: psycopg.Error, meaning: Exception) -> Sequence[Outcome]:
        """Answer a call of which nothing was stored; what one append did wrong stays its own matter."""
        if isinstance(meaning, InvalidEvent) and len(call.appends) > 1:
            return [outcome for alone in call.one_by_one() for outcome in await self._outcomes(alone)]
        if meaning is error:
            _log.error("PostgreSQL refused an append", exc_info=error)
        return [meaning] * len(call.appends)


def _is_refusal(error: psycopg.Error, connection: Connection | None) -> bool:
    """Return whether the server rolled the call back, or was never asked; not so if the connection ended with it."""
    severity = error.diag.severity_nonlocalized
    return connection is None or severity == "ERROR" or (severity is None and not connection.closed)


@asynccontextmanager
async def open_group_commit(
    dsn: str,
    *,
    writers: int = 4,
    reconnect_seconds: Sequence[float] = RECONNECT_SECONDS,
    clock: Clock | None = None,
) -> AsyncIterator[GroupCommit]:
    """Run a group commit with this many connections; on leaving, what was accepted is still written."""
    group_commit = GroupCommit(dsn, reconnect_seconds=reconnect_seconds, clock=clock)
    tasks = [asyncio.create_task(group_commit.write(), name=f"group commit {n}") for n in range(writers)]
    try:
        try:
            yield group_commit
        finally:
            await group_commit.close()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        group_commit.abandon()
