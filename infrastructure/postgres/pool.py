"""A pool of connections. Each is made when it is needed, and made again after it broke.

psycopg's own pool makes them in the background. After a failure it tries again in a second, then in two, four, eight …
So it finds a database that was away for a minute up to a minute later, and it does not report why it has none.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from copy import copy
from math import inf
from time import monotonic
from types import TracebackType

import psycopg
from psycopg.pq import TransactionStatus

from application.runtime.measures import (
    CONNECTIONS_IDLE,
    CONNECTIONS_LENT,
    CONNECTIONS_WAITED_FOR,
    POOL_WAIT_SECONDS,
)
from application.runtime.request_context import TOO_LONG, current
from domain.errors import Busy, Unavailable
from infrastructure.postgres.nodes import Nodes
from infrastructure.postgres.patience import COMMANDS, Connection, Patience, answers, hang_up, listening_to
from infrastructure.postgres.reasons import ENDING, READ_ONLY
from infrastructure.postgres.watch import Watch

FAILURE_SECONDS = 0.25
"""After a failure to connect, how long we assume that others fail too, instead of trying for every request."""
STALE_SECONDS = 5.0
"""A connection that was idle for longer is tested before it is lent."""
ANSWER_SECONDS = 1.0
"""The test fails if the server does not answer within this time."""
IDLE_SECONDS = 600.0
LIFETIME_SECONDS = 3_600.0
"""Connections are replaced after this time: a session grows with its plans, and a host may have moved."""


class _Held:
    """A connection of the pool."""

    __slots__ = ("connection", "epoch", "idle_since", "is_overdue", "listen", "made_at")

    def __init__(self, connection: Connection, epoch: int) -> None:
        self.connection = connection
        self.listen = listening_to(connection)
        self.epoch = epoch
        self.made_at = self.idle_since = monotonic()
        self.is_overdue = False

    def end(self) -> None:
        """Hang up, because it was used for too long."""
        self.is_overdue = True
        hang_up(self.connection)


class Pool:
    """Lends connections, at most so many at a time."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[Connection]],
        *,
        size: int,
        watch: Watch | None = None,
        patience: Patience = COMMANDS,
    ) -> None:
        self._connect = connect
        self._size = size
        self._watch = watch or Watch()
        self._patience = patience
        self._count = 0
        """The number of connections that are idle, lent, or being made."""
        self._idle: deque[_Held] = deque()
        self._waiting: deque[asyncio.Future[_Held]] = deque()
        self._making: set[asyncio.Task[None]] = set()
        self._failed_at = -inf
        self._failure: Exception | None = None
        self._is_closed = False
        self._watch.on_loss(self._fail_waiting)

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Let the measures say how many connections are in use, and who waits for one, while this is entered."""
        with (
            CONNECTIONS_LENT.following(lambda: self._count - len(self._idle)),
            CONNECTIONS_IDLE.following(lambda: len(self._idle)),
            CONNECTIONS_WAITED_FOR.following(lambda: len(self._waiting)),
        ):
            yield

    @property
    def nodes(self) -> Nodes:
        """The nodes of the cluster, for what is asked of all tenants."""
        return self._watch.nodes

    @property
    def takes_writes(self) -> bool:
        """Whether the database can be reached and takes writes, as far as we know."""
        return self._watch.takes_writes

    def require_writes(self) -> None:
        """Raise Unavailable, with the reason, if the database takes no writes."""
        if not self._watch.takes_writes:
            self._watch.require_writes()

    def connection(self, *, seconds: float | None = None) -> "_Lease":
        """Return a lease that lends a connection while it is entered, for so long or as long as the pool's patience
        lasts.

        A request's connection is not lent for longer than the request has time. Raises Unavailable on entering. Also
        raises it on leaving with an error of the driver, if the time was up.
        """
        return _Lease(self, seconds)

    async def close(self) -> None:
        """Close the idle connections, and lend no more."""
        self._is_closed = True
        self._watch.forget(self._fail_waiting)
        self._fail_waiting(Unavailable(ENDING))
        for task in self._making:
            task.cancel()
        if self._making:
            await asyncio.wait(self._making)
        while self._idle:
            await self._idle.pop().connection.close()

    def limit(self, seconds: float | None) -> float:
        """Return how long a connection may be lent now. Raises Unavailable if the request has no time left."""
        limit = self._patience.lease if seconds is None else seconds
        request = current.get()
        left = inf if request is None else request.seconds_left
        if left <= 0:
            raise Unavailable(TOO_LONG)
        return min(inf if limit is None else limit, left)

    def reason(self, held: _Held) -> Unavailable | None:
        """Return why a connection was hung up while it was used; None if it was not."""
        return self._watch.away if held.epoch != self._watch.epoch else None

    async def take(self, limit: float) -> _Held:
        """Return a connection that works, as far as we can tell."""
        self._watch.require()
        while self._idle:
            held = self._idle.pop()
            is_sound = False
            try:
                is_sound = await self._is_sound(held)
            finally:
                if not is_sound:
                    await self._drop(held)
            if is_sound:
                return held
            self._watch.require()
        return await self._wait(min(limit, inf if self._patience.turn is None else self._patience.turn))

    async def give_back(self, held: _Held, error: BaseException | None) -> None:
        """Take a connection back. It is lent again if it still works."""
        now = monotonic()
        is_good = self._is_current(held) and now - held.made_at < LIFETIME_SECONDS and not _ends_session(error)
        if not is_good or held.connection.pgconn.transaction_status != TransactionStatus.IDLE:
            if held.connection.closed:
                self._watch.suspect()
            await self._drop(held)
            return
        held.idle_since = now
        self._watch.heard_at = now
        self._hand_on(held)
        # The most recently used connections are lent first, so the first one has been idle for longest.
        if self._idle and now - self._idle[0].idle_since > IDLE_SECONDS:
            await self._drop(self._idle.popleft())

    def _is_current(self, held: _Held) -> bool:
        is_ours = held.epoch == self._watch.epoch and not held.is_overdue and not self._is_closed
        return is_ours and not held.connection.closed

    async def _is_sound(self, held: _Held) -> bool:
        if not self._is_current(held):
            return False
        if held.listen(0) or monotonic() - held.idle_since > STALE_SECONDS:
            return await answers(held.connection, ANSWER_SECONDS)
        return True

    async def _wait(self, seconds: float) -> _Held:
        """Wait for a connection to be made or given back."""
        if self._is_closed:
            raise Unavailable(ENDING)
        self._make_one()
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[_Held] = loop.create_future()
        self._waiting.append(turn)
        timer = None if seconds == inf else loop.call_later(seconds, self._expire, turn)
        began = monotonic()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                await self.give_back(turn.result(), None)
            raise
        finally:
            POOL_WAIT_SECONDS.observe(monotonic() - began)
            if timer is not None:
                timer.cancel()

    def _expire(self, turn: asyncio.Future[_Held]) -> None:
        if not turn.done():
            error = self._failure or Unavailable("All connections to the database are in use; try again")
            turn.set_exception(_again(error))

    def _make_one(self) -> None:
        """Start to make a connection if the pool may have one more. Raises Unavailable if no connection can be
        expected.
        """
        if monotonic() - self._failed_at < FAILURE_SECONDS:
            if self._count == 0 and self._failure is not None:
                raise _again(self._failure)
        elif self._count < self._size:
            self._count += 1
            task = asyncio.create_task(self._make(self._watch.epoch), name="connection")
            self._making.add(task)
            task.add_done_callback(self._making.discard)

    async def _make(self, epoch: int) -> None:
        try:
            connection = await self._connect()
        except BaseException as error:
            self._count -= 1
            self._failed_at = monotonic()
            self._watch.suspect()
            self._failure = error if isinstance(error, Exception) else None
            if isinstance(error, Unavailable):
                error.is_told = self._watch.is_refused
            # Otherwise others may still give theirs back.
            if self._count == 0:
                self._fail_waiting(self._failure or Unavailable(ENDING))
            else:
                asyncio.get_running_loop().call_later(FAILURE_SECONDS, self._make_more)
            if not isinstance(error, Exception):
                raise
        else:
            self._failure = None
            self._watch.adopt(connection)
            self._hand_on(_Held(connection, epoch))

    def _hand_on(self, held: _Held) -> None:
        """Lend a connection to the task that has waited longest, or keep it."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(held)
                return
        self._idle.append(held)

    def _fail_waiting(self, error: Exception) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_exception(_again(error))

    async def _drop(self, held: _Held) -> None:
        await held.connection.close()
        self._count -= 1
        self._make_more()

    def _make_more(self) -> None:
        """Make a connection if a task still waits for one."""
        if any(not turn.done() for turn in self._waiting):
            try:
                self._make_one()
            except Unavailable as error:
                self._fail_waiting(error)


class _Lease:
    """A connection of a pool, for as long as it is entered."""

    __slots__ = ("_began", "_held", "_limit", "_pool", "_seconds", "_timer")

    def __init__(self, pool: Pool, seconds: float | None) -> None:
        self._pool = pool
        self._seconds = seconds
        self._timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Connection:
        self._began = monotonic()
        self._limit = self._pool.limit(self._seconds)
        try:
            self._held = await self._pool.take(self._limit)
        except BaseException:
            self._spend()
            raise
        if self._limit != inf:
            left = self._began + self._limit - monotonic()
            self._timer = asyncio.get_running_loop().call_later(left, self._held.end)
        return self._held.connection

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._spend()
        away = self._pool.reason(self._held) if isinstance(exc, psycopg.Error) else None
        await self._pool.give_back(self._held, exc)
        if away is not None:
            raise away from exc
        if self._held.is_overdue and isinstance(exc, psycopg.Error):
            raise Busy(f"The database did not answer within {self._limit:.1f} s; try again") from exc

    def _spend(self) -> None:
        if (request := current.get()) is not None:
            request.waited(self._began)


def _again(error: Exception) -> Exception:
    """Return an error to raise once more, so that each has a traceback of its own."""
    return copy(error)


def _ends_session(error: BaseException | None) -> bool:
    """Return whether an error makes a connection useless, for example because its server takes no writes any more."""
    return isinstance(error, psycopg.Error) and error.sqlstate == READ_ONLY
