"""A process's watch over its database. It knows whether requests can be served, so no request waits to find out."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from math import inf
from typing import Any, TypeVar
from weakref import WeakSet

import psycopg

from application.runtime.outage_log import OutageLog
from domain.errors import Unavailable
from infrastructure.postgres.nodes import Nodes
from infrastructure.postgres.patience import Connection, hang_up
from infrastructure.postgres.reasons import ENDING, SILENT, unavailable

_log = logging.getLogger(__name__)

T = TypeVar("T")
W = TypeVar("W", bound="Watch")

PERIOD_SECONDS = 0.3
"""How often the database is asked."""
STEP_SECONDS = 0.2
SILENCE_SECONDS = 1.2
"""After so long without an answer, the database counts as away. So all waiting requests are answered within two
seconds.
"""
ATTEMPT_SECONDS = 2.5
"""After this time a question is asked again on a new connection, since the old one may lead to a host that is gone."""

TRIES = 2
"""How many connections in a row are made at once after a connection was lost."""

_ASK = b"""
    SELECT pg_is_in_recovery(), current_setting('transaction_read_only')::boolean, pg_postmaster_start_time()::text
"""
_STANDBY = "The database takes no writes at the moment: it is a standby, or it is recovering; try again"
_SET_READ_ONLY = "The database takes no writes at the moment: it is set to read-only; try again"


async def wait_at_most(seconds: float, event: asyncio.Event) -> None:
    """Wait for an event, but not for longer than this."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


class Watch:
    """Asks the database again and again, on a connection of its own.

    While the database is away, require raises at once, and all connections in use are hung up. A watch that does not
    run assumes that all is well.
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[Connection]] | None = None,
        *,
        is_here: bool = False,
        name: str = "The database",
    ) -> None:
        """Watch over what connect leads to, which the log calls by this name."""
        self.epoch = 0
        """Changes with the server. Connections from before an outage or a failover are not used again."""
        self._connect = connect
        self._attempt_seconds = inf if is_here else ATTEMPT_SECONDS
        self._asked_at = 0.0
        self._connection: Connection | None = None
        self._others: WeakSet[Connection] = WeakSet()
        self._on_loss: list[Callable[[Unavailable], None]] = []
        self._on_end: list[Callable[[], None]] = []
        self._is_ending = False
        self._is_there = asyncio.Event()
        self._is_there.set()
        self._is_lost = asyncio.Event()
        self._is_suspected = asyncio.Event()
        self.heard_at = 0.0
        """When the database last answered somebody else, by the monotonic clock."""
        self.nodes = Nodes()
        """The nodes of the cluster, for what is asked of all tenants."""
        self.takes_writes = True
        """Whether require_writes would succeed, for callers that ask often."""
        self._away: Unavailable | None = None
        self._read_only: str | None = None
        self._server: str | None = None
        self._outages = OutageLog(_log, f"{name} is away", f"{name} is back")
        self._refusals = OutageLog(_log, f"{name} lets nobody in", f"{name} lets us in again")
        self._troubles = OutageLog(_log, f"{name} cannot be watched", f"{name} is watched again")
        self._standstills = OutageLog(_log, "Writes are refused", "Writes are taken again")

    @property
    def away(self) -> Unavailable | None:
        """Why the database is away; None if it is not."""
        if self._away is None:
            return None
        return Unavailable(str(self._away), said=self._away.said, is_away=True, is_told=True)

    def require(self) -> None:
        """Raise Unavailable while the database is away."""
        if away := self.away:
            raise away

    def require_writes(self) -> None:
        """Raise Unavailable while the database is away or takes no writes."""
        self.require()
        if self._read_only is not None:
            raise Unavailable(self._read_only, is_told=True)

    @property
    def is_refused(self) -> bool:
        """Whether the database is there but refuses the watch itself. The log reports that."""
        return self._refusals.is_on

    @property
    def refusal_of_writes(self) -> str | None:
        """Why the database takes no writes although it is there; None if it takes them."""
        return self._read_only

    def adopt(self, connection: Connection) -> None:
        """Register a connection, which is hung up when the database goes away."""
        self._others.add(connection)

    @property
    def connections(self) -> list[Connection]:
        """The connections that were adopted and are still there."""
        return list(self._others)

    def on_loss(self, tell: Callable[[Unavailable], None]) -> None:
        """From now on, call tell whenever the database goes away."""
        self._on_loss.append(tell)

    def forget(self, tell: Callable[[Unavailable], None]) -> None:
        """Call tell no more."""
        self._on_loss.remove(tell)

    def on_end(self, tell: Callable[[], None]) -> None:
        """Call tell when nobody shall wait any longer."""
        self._on_end.append(tell)

    def end(self) -> None:
        """Let nobody wait for the database any longer, because this process ends. It counts as away from now on."""
        self._is_ending = True
        for tell in self._on_end:
            tell()
        self._part(Unavailable(ENDING, is_away=True, is_told=True))

    def suspect(self) -> None:
        """Ask at once, because somebody has lost a connection or could not make one."""
        self._is_suspected.set()

    async def pause(self, seconds: float) -> None:
        """Wait so long. While the database is away, stop waiting as soon as it is back."""
        if self._is_there.is_set():
            await asyncio.sleep(seconds)
        else:
            await wait_at_most(seconds, self._is_there)

    async def unless_away(self, work: Coroutine[Any, Any, T]) -> T:
        """Return this work's result, or raise Unavailable as soon as the database is away."""
        task = asyncio.create_task(work)
        lost = asyncio.create_task(self._is_lost.wait())
        try:
            await asyncio.wait({task, lost}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                self.require()
            return await task
        finally:
            lost.cancel()
            task.cancel()

    async def run(self) -> None:
        """Watch, for ever."""
        try:
            while True:
                began = time.monotonic()
                self._is_suspected.clear()
                try:
                    await self._look()
                except Exception as error:
                    self._troubles.failed(error)
                else:
                    self._troubles.over()
                rest = max(began + PERIOD_SECONDS - time.monotonic(), STEP_SECONDS)
                if self._away is None:
                    await wait_at_most(rest, self._is_suspected)
                else:
                    await asyncio.sleep(rest)
        finally:
            await self._close()

    async def _look(self) -> None:
        """Ask once, and record the answer or the lack of one."""
        asking = asyncio.create_task(self._ask(), name="watch")
        try:
            await self._listen(asking)
            if asking.done():
                self._note(asking.result())
            if self._read_only is not None:
                # If there are several servers, another connection may find the one that takes writes now.
                await self._close()
        except Unavailable as error:
            await self._close()
            self._note_failure(error)
        finally:
            await self._end(asking)

    def _question(self) -> bytes:
        """Return the statement that asks the server about itself. Its row is what _note takes."""
        return _ASK

    async def _ask(self) -> tuple[Any, ...]:
        """Return the server's answer about itself. Raises Unavailable."""
        assert self._connect is not None
        for tries_left in range(TRIES, -1, -1):
            self._asked_at = time.monotonic()
            self._connection = self._connection or await self._connect()
            self._asked_at = time.monotonic()
            try:
                row = await (await self._connection.execute(self._question())).fetchone()
            except psycopg.Error as exc:
                # Anybody may end one connection. The database is away only if no other can be made.
                await self._close()
                if not tries_left:
                    raise unavailable(exc) or Unavailable(str(exc)) from exc
            else:
                assert row is not None
                return row
        raise AssertionError

    async def _listen(self, asking: asyncio.Task[tuple[Any, ...]]) -> None:
        """Wait for an answer for a limited time. If nobody gets any answer for long enough, the database is away."""
        silent_since = before = self._asked_at = time.monotonic()
        while not asking.done():
            patience = self._attempt_seconds if self._connection is None else ATTEMPT_SECONDS
            if before - self._asked_at > patience:
                return
            await asyncio.wait({asking}, timeout=STEP_SECONDS)
            # While this process stood still, it could not have heard anything.
            now = time.monotonic()
            silent_since = max(silent_since + max(now - before - STEP_SECONDS, 0.0), self.heard_at)
            if not asking.done() and now - silent_since >= SILENCE_SECONDS:
                self._lose(Unavailable(SILENT, is_away=True))
            before = now

    async def _end(self, asking: asyncio.Task[tuple[Any, ...]]) -> None:
        """Give up a question without an answer."""
        if not asking.done() and self._connection is not None:
            hang_up(self._connection)
            await asyncio.wait({asking}, timeout=STEP_SECONDS)
        if not asking.done():
            asking.cancel()
            await asyncio.wait({asking})
        if asking.cancelled() or asking.exception() is not None:
            await self._close()

    async def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    def _note_failure(self, error: Unavailable) -> None:
        if error.is_away:
            self._lose(error)
        else:
            # The database is there, and may still serve those who are connected.
            self._found()
            self._refusals.failed(error)

    def _note(self, answer: tuple[Any, ...]) -> None:
        """Record an answer. server tells one server from another, and from itself before a restart."""
        is_standby, is_read_only, server = answer
        takes_writes = not (is_standby or is_read_only)
        # Sessions that began on a server without writes may have stayed read-only.
        if self._server not in {None, server} or (takes_writes and self._read_only is not None):
            self.epoch += 1
        self._server = server
        self._read_only = None if takes_writes else _STANDBY if is_standby else _SET_READ_ONLY
        self._found()
        self._refusals.over()
        if self._read_only is None:
            self._standstills.over()
        else:
            self._standstills.failed(Unavailable(self._read_only))

    def _found(self) -> None:
        if self._is_ending:
            return
        self._away = None
        self.takes_writes = self._read_only is None
        self._is_lost.clear()
        self._is_there.set()
        self._outages.over()

    def _lose(self, error: Unavailable) -> None:
        if not self._is_ending:
            self._outages.failed(error)
            self._part(error)

    def _part(self, error: Unavailable) -> None:
        if self._away is None:
            self.epoch += 1
            self._is_there.clear()
        self._away = error
        self.takes_writes = False
        self._is_lost.set()
        for connection in list(self._others):
            hang_up(connection)
        for tell in self._on_loss:
            tell(error)


@asynccontextmanager
async def watching(watch: W) -> AsyncIterator[W]:
    """Run a watch while this is entered."""
    running = asyncio.create_task(watch.run(), name="watch")
    try:
        yield watch
    finally:
        running.cancel()
        await asyncio.wait({running})
