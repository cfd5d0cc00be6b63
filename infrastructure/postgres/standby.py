"""A standby of the database: whether it is one, how far it is behind, and connections to it that only read."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from time import monotonic
from typing import Any, NamedTuple

import psycopg

from application.runtime.outage_log import OutageLog, told
from application.views.health import StandbyHealth
from domain.errors import OrdertrailError, Unavailable
from infrastructure.postgres.database import connect, is_here, opened, reading, watch_connection
from infrastructure.postgres.patience import Connection, Patience, limited
from infrastructure.postgres.pool import Pool
from infrastructure.postgres.session import CONNECT_SECONDS, parsed_dsn
from infrastructure.postgres.statements import statements
from infrastructure.postgres.watch import Watch, watching

_log = logging.getLogger(__name__)
_SQL = statements("standby")

PATIENCE = Patience(statement=4.0, lock=1.0, lease=4.5, turn=0.2)
"""The primary is asked after that."""
PRIMARY_SECONDS = 1.0
"""How often the primary is asked how far it has come. A standby's lag is known as exactly."""
MAX_SAMPLES = 600
LOOK_SECONDS = 5.0
"""How long one look waits for a standby to come to where its primary is."""
_BEHIND = "it has yet to come to where the primary was when this process began"
_READ_ONLY = {"default_transaction_read_only": "on"}


class _Server(NamedTuple):
    """What tells a server from others: of a standby, these are its primary's."""

    system: str
    database: int
    timeline: int
    """Which history it writes or follows: promoting a standby begins a new one."""
    position: int
    """How far it has come, in bytes of the write-ahead log."""


class Primary:
    """Asks the primary again and again who it is, and how far it has come."""

    def __init__(self, pool: Pool, watch: Watch) -> None:
        self._pool = pool
        self._watch = watch
        self._server: _Server | None = None
        self._epoch = -1
        self._began_at: int | None = None
        self._why_not = "the primary was not asked yet"
        self._samples: deque[tuple[float, int]] = deque()
        """Since when the primary has been at positions that the standby has yet to reach."""

    async def run(self) -> None:
        """Ask, for ever."""
        while True:
            try:
                await self.ask()
            except (OrdertrailError, psycopg.Error) as error:
                self._server, self._why_not = None, f"the primary cannot be asked: {_in_our_words(error)}"
            await asyncio.sleep(PRIMARY_SECONDS)

    async def ask(self) -> None:
        """Ask once. Raises what a statement raises."""
        epoch = self._watch.epoch
        async with reading(self._pool, seconds=PRIMARY_SECONDS) as connection:
            row = await (await connection.execute(_SQL["primary"])).fetchone()
        assert row is not None
        server = _Server(*row)
        if self._server is None or self._server.timeline != server.timeline:
            self._samples.clear()
        if self._began_at is None:
            self._began_at = server.position
        self._server, self._epoch = server, epoch
        self._samples.append((monotonic(), server.position))
        if len(self._samples) > MAX_SAMPLES:
            self._samples = deque(list(self._samples)[::2])

    @property
    def unknown(self) -> str | None:
        """Why it is not known which server is the primary; None if it is known."""
        if self._server is None:
            return self._why_not
        return "the primary may be another one now" if self._epoch != self._watch.epoch else None

    def objection(self, standby: _Server, *, is_standby: bool) -> str | None:
        """Return why a server is no standby to read from; None if it is one."""
        if self._server is None:
            return self._why_not
        objections = {
            "it is no copy of the primary: it belongs to another installation": standby.system != self._server.system,
            "its DSN names another database of the server": standby.database != self._server.database,
            "it is no standby: it is the primary itself, or was promoted": not is_standby,
            f"it follows timeline {standby.timeline}, and the primary is on {self._server.timeline}": (
                standby.timeline != self._server.timeline
            ),
            # What is there when this process begins has the schema that this release needs.
            _BEHIND: standby.position < (self._began_at or 0),
        }
        return next((words for words, holds in objections.items() if holds), None)

    def lag_of(self, position: int) -> tuple[float, int]:
        """Return for how many seconds the primary has been beyond a position, and by how many bytes it is."""
        while self._samples and self._samples[0][1] <= position:
            self._samples.popleft()
        if not self._samples or self._server is None:
            return 0.0, 0
        return monotonic() - self._samples[0][0], self._server.position - position


class StandbyWatch(Watch):
    """A watch over a standby: it asks as well whether the server is the primary's standby, and how far it is."""

    def __init__(
        self, connect: Callable[[], Awaitable[Connection]], primary: Primary, *, is_here: bool = False
    ) -> None:
        super().__init__(connect, is_here=is_here, name="The standby")
        self._primary = primary
        self._objection: str | None = "it was not asked yet"
        self._position = 0
        self._objections = OutageLog(_log, "Nothing is read from the standby", "The standby is read from again")
        self.takes_writes = False

    @property
    def is_usable(self) -> bool:
        """Whether it can be read from, as far as we know."""
        return self._objection is None and self._away is None and self._primary.unknown is None

    @property
    def why_not(self) -> str | None:
        """Why nothing is read from it; None if it can be read from."""
        if self._away is not None:
            return _in_our_words(self._away)
        return self._objection or self._primary.unknown

    @property
    def lag(self) -> tuple[float, int]:
        """By how many seconds and bytes it is behind the primary."""
        return self._primary.lag_of(self._position)

    def _judge(self, answer: tuple[Any, ...]) -> str | None:
        """Return why a server that answers this is not read from; None if it can be."""
        *server, is_standby, _ = answer
        return self._primary.objection(_Server(*server), is_standby=is_standby)

    async def require_standby(self, connection: Connection) -> None:
        """Raise Unavailable unless a connection leads to the standby that is watched.

        A DSN may lead to several servers, and the statements of a read must not see one that is further behind.
        """
        row = await self._asked_on(connection)
        objection = self._judge(row) or (self._server != row[-1] and "it is another server than before") or None
        if objection is not None:
            raise Unavailable(objection)

    async def seen_on(self, connection: Connection) -> tuple[int, str | None]:
        """Return how far the server of a connection is, and why it is not read from; None if it can be."""
        row = await self._asked_on(connection)
        return _Server(*row[:4]).position, self._judge(row)

    async def _asked_on(self, connection: Connection) -> tuple[Any, ...]:
        with limited(connection, CONNECT_SECONDS):
            row = await (await connection.execute(self._question())).fetchone()
        assert row is not None
        return row

    def _question(self) -> bytes:
        return _SQL["standby"]

    def _note(self, answer: tuple[Any, ...]) -> None:
        objection, server = self._judge(answer), answer[-1]
        # Sessions from before a restart, or of a server that is no standby any more, are not used again.
        if self._server not in {None, server} or (objection is not None and self._objection is None):
            self.epoch += 1
        self._server, self._position, self._objection = server, _Server(*answer[:4]).position, objection
        self._found()
        self._refusals.over()
        if objection is None:
            self._objections.over()
        elif self._primary.unknown is None:
            self._objections.failed(Unavailable(objection))

    def _note_failure(self, error: Unavailable) -> None:
        self._objection = _in_our_words(error)
        super()._note_failure(error)

    def _found(self) -> None:
        super()._found()
        self.takes_writes = False


def _in_our_words(error: Exception) -> str:
    """Return a reason for everybody: PostgreSQL's own words name hosts and users. Those are for the log."""
    return told(Unavailable(str(error)))


class StandbyPools(NamedTuple):
    """A standby's watch, and pools of connections that only read: for most reads, and for large values."""

    watch: StandbyWatch
    pool: Pool
    large: Pool


@asynccontextmanager
async def open_standby(
    dsn: str, primary: Pool, watch: Watch, *, size: int, large_size: int
) -> AsyncIterator[StandbyPools]:
    """Watch over a standby of the database that primary leads to, and open pools of connections to it.

    Raises InvalidDsn. A standby that is away, or is none, raises nothing.
    """
    parsed_dsn(dsn)
    followed = Primary(primary, watch)
    running = asyncio.create_task(followed.run(), name="primary")
    try:
        async with (
            watching(StandbyWatch(watch_connection(dsn), followed, is_here=is_here(dsn))) as seen,
            _open_pool(dsn, seen, size=size) as pool,
            _open_pool(dsn, seen, size=large_size) as large,
        ):
            yield StandbyPools(seen, pool, large)
    finally:
        running.cancel()
        await asyncio.wait({running})


async def look_at_standby(dsn: str, primary: Pool) -> StandbyHealth:
    """Return whether a server is a standby of the database that primary leads to, and comes to where it is now."""
    followed = Primary(primary, Watch())
    try:
        await followed.ask()
        async with await connect(dsn, settings=_READ_ONLY) as connection:
            watch, deadline = StandbyWatch(watch_connection(dsn), followed), monotonic() + LOOK_SECONDS
            while True:
                position, why_not = await watch.seen_on(connection)
                if why_not != _BEHIND or monotonic() > deadline:
                    return StandbyHealth(why_not, *followed.lag_of(position))
                await asyncio.sleep(LOOK_SECONDS / 50)
    except (OrdertrailError, psycopg.Error) as error:
        return StandbyHealth(told(error), 0.0, 0)


def _open_pool(dsn: str, watch: StandbyWatch, *, size: int) -> AbstractAsyncContextManager[Pool]:
    async def connect_to_standby() -> Connection:
        connection = await connect(dsn, settings={**PATIENCE.settings, **_READ_ONLY})
        try:
            await watch.require_standby(connection)
        except BaseException:
            await connection.close()
            raise
        return connection

    return opened(Pool(connect_to_standby, size=size, watch=watch, patience=PATIENCE))
