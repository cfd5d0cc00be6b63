"""Connections to PostgreSQL, and its errors as ours."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import partial

import psycopg
from psycopg import AsyncConnection
from psycopg.errors import (
    ConnectionTimeout,
    InsufficientPrivilege,
    NoDataFound,
    ProgramLimitExceeded,
)

from application.runtime.request_context import note_write
from domain.errors import InvalidEvent, TenantNotFound
from infrastructure.postgres.node_watch import watching_nodes
from infrastructure.postgres.patience import COMMANDS, Connection, Patience, answers, limited
from infrastructure.postgres.pool import Pool
from infrastructure.postgres.reasons import may_be_done, unavailable
from infrastructure.postgres.refusals import sqlstate_of_refusal
from infrastructure.postgres.session import (
    CONNECT_SECONDS,
    NO_SETTINGS,
    MissingRight,
    connecting,
    parsed_dsn,
    set_up_async,
)
from infrastructure.postgres.watch import ATTEMPT_SECONDS, Watch, watching

__all__ = [
    "Connection",
    "Pool",
    "Watch",
    "connect",
    "noting_write",
    "open_pool",
    "reading",
    "translate",
    "translated",
    "writing",
]


async def connect(
    dsn: str,
    *,
    as_owner: bool = False,
    settings: Mapping[str, str] = NO_SETTINGS,
    seconds: float = CONNECT_SECONDS,
    is_awaited: bool = False,
) -> Connection:
    """Open one session with these settings, and with the rights of the runtime role or of the schema's owner.

    Connecting and setting up may each take so long. A connection that is not awaited at once may be made much later.
    Raises Unavailable, MissingRight.
    """
    with translated():
        connection = await _connected(dsn, as_owner=as_owner, seconds=None if is_awaited else seconds)
        try:
            with limited(connection, seconds):
                await set_up_async(connection, as_owner=as_owner, settings=settings)
        except BaseException:
            await connection.close()
            raise
        return connection


async def _connected(dsn: str, *, as_owner: bool, seconds: float | None) -> Connection:
    """Return a new connection within this time, which includes looking up host names. Raises Unavailable."""
    how = connecting(dsn, as_owner=as_owner, seconds=None if seconds is None else CONNECT_SECONDS)
    try:
        async with asyncio.timeout(seconds):
            return await AsyncConnection.connect(**how)
    except TimeoutError as exc:
        raise ConnectionTimeout("connection timeout expired") from exc
    except ConnectionTimeout:
        raise
    except psycopg.OperationalError as exc:
        sqlstate = await asyncio.to_thread(
            sqlstate_of_refusal, exc, how["conninfo"], seconds=seconds or CONNECT_SECONDS
        )
        raise unavailable(exc, connecting_sqlstate=sqlstate) or exc from exc


async def says_anything(dsn: str, *, seconds: float) -> bool:
    """Return whether a server answers within this time, even if it only refuses us."""
    try:
        async with asyncio.timeout(seconds):
            connection = await AsyncConnection.connect(**connecting(dsn, as_owner=True))
    except (TimeoutError, ConnectionTimeout):
        return False
    except psycopg.Error:
        return True
    async with connection:
        return await answers(connection, seconds)


@asynccontextmanager
async def watching_database(dsn: str) -> AsyncIterator[Watch]:
    """Run a watch over a database and its nodes while this is entered.

    On a socket of this machine, a hanging server keeps what it was sent, and answers it later. It would answer all
    attempts that were given up, and would have no connection left for real clients. So one attempt is enough. A remote
    host may have forgotten an attempt, and is tried again.
    """
    async with (
        watching(Watch(watch_connection(dsn), is_here=is_here(dsn))) as watch,
        watching_nodes(watch, partial(connect, dsn, seconds=ATTEMPT_SECONDS)),
    ):
        yield watch


def watch_connection(dsn: str) -> Callable[[], Awaitable[Connection]]:
    """Return what makes a watch's connections."""
    return partial(connect, dsn, seconds=ATTEMPT_SECONDS, is_awaited=is_here(dsn))


def is_here(dsn: str) -> bool:
    """Return whether a DSN names one server of this machine, by its socket."""
    host = str(parsed_dsn(dsn).get("host") or "")
    return host.startswith(("/", "@")) and "," not in host


@asynccontextmanager
async def open_pool(
    dsn: str,
    *,
    size: int,
    as_owner: bool = False,
    settings: Mapping[str, str] = NO_SETTINGS,
    watch: Watch | None = None,
    patience: Patience = COMMANDS,
) -> AsyncIterator[Pool]:
    """Open a pool of at most size such sessions; each is made when it is needed."""
    make = partial(connect, dsn, as_owner=as_owner, settings={**patience.settings, **settings})
    async with opened(Pool(make, size=size, watch=watch, patience=patience)) as pool:
        yield pool


@asynccontextmanager
async def opened(pool: Pool) -> AsyncIterator[Pool]:
    """Measure a pool while this is entered, and close it then."""
    try:
        with pool.measured():
            yield pool
    finally:
        await pool.close()


@asynccontextmanager
async def reading(pool: Pool, *, seconds: float | None = None) -> AsyncIterator[Connection]:
    """Take a connection of the pool for so long, or for as long as its patience lasts. Raises Unavailable."""
    with translated():
        async with pool.connection(seconds=seconds) as connection:
            yield connection


@asynccontextmanager
async def writing(pool: Pool) -> AsyncIterator[Connection]:
    """Take a connection to write what a request asks for, and note that it is stored, or may be. Raises Unavailable."""
    async with reading(pool) as connection:
        with noting_write(connection, pool):
            yield connection


@contextmanager
def noting_write(connection: Connection, pool: Pool) -> Iterator[None]:
    """Note that what is written inside this context is stored, or may be: its error may have come after the commit."""
    try:
        yield
    except BaseException as exc:
        if connection.closed or _leaves_doubt(exc, pool):
            note_write()
        raise
    note_write()


def _leaves_doubt(error: BaseException, pool: Pool) -> bool:
    """Return whether the server may have done what an error broke off, though the connection stays open."""
    if isinstance(error, psycopg.Error):
        return may_be_done(error, on_cluster=pool.nodes.is_watched)
    return isinstance(error, asyncio.CancelledError)


@contextmanager
def translated() -> Iterator[None]:
    """Raise the driver's errors as ours. Only this function knows both."""
    try:
        yield
    except UnicodeEncodeError as exc:
        raise InvalidEvent("PostgreSQL cannot store this: a text holds a lone surrogate") from exc
    except psycopg.Error as exc:
        meaning = translate(exc)
        if meaning is exc:
            raise
        raise meaning from exc


def translate(error: psycopg.Error, *, tenant: str = "") -> Exception:
    """Return what a driver's error means to a caller; the error itself if it shows a mistake of ours."""
    match error:
        case NoDataFound():
            return TenantNotFound(tenant)
        case InsufficientPrivilege():
            return MissingRight(f"PostgreSQL refuses this: {error.diag.message_primary}; run ordertrail migrate")
        case psycopg.DataError() | ProgramLimitExceeded():
            return InvalidEvent(f"PostgreSQL cannot store this: {error.diag.message_primary or error}")
        case _:
            return unavailable(error) or error
