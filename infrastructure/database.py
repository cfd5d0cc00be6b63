"""Connections to PostgreSQL, and its errors in our words."""

import select
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg.errors import ForeignKeyViolation, InsufficientPrivilege, NoDataFound, ProgramLimitExceeded
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from domain.errors import InvalidEvent, TenantNotFound, Unavailable
from infrastructure.session import (
    CONNECT_SECONDS,
    CONNECTION,
    NO_SETTINGS,
    MissingRight,
    owner_dsn,
    runtime_dsn,
    set_up_async,
)

Connection = AsyncConnection[tuple[Any, ...]]
Pool = AsyncConnectionPool[Connection]


async def connect(dsn: str, *, as_owner: bool = False, settings: Mapping[str, str] = NO_SETTINGS) -> Connection:
    """Open one session with the rights of the runtime role, or with those of the schema's owner, and these settings.

    Raises Unavailable, MissingRight.
    """
    with translated():
        connection = await AsyncConnection.connect(_dsn(dsn, as_owner=as_owner), **CONNECTION)
        try:
            await set_up_async(connection, as_owner=as_owner, settings=settings)
        except BaseException:
            await connection.close()
            raise
        return connection


@asynccontextmanager
async def open_pool(
    dsn: str, *, size: int, as_owner: bool = False, settings: Mapping[str, str] = NO_SETTINGS
) -> AsyncIterator[Pool]:
    """Open a pool of at most size such sessions; they come as they are needed. Raises MissingRight, Unavailable."""
    if as_owner:
        # A pool would try for a while, and then say that nobody answers.
        await (await connect(dsn, as_owner=True)).close()
    pool: Pool = AsyncConnectionPool(
        _dsn(dsn, as_owner=as_owner),
        min_size=1,
        max_size=size,
        configure=partial(set_up_async, as_owner=as_owner, settings=settings),
        check=_check,
        open=False,
        timeout=CONNECT_SECONDS,
        kwargs=dict(CONNECTION),
    )
    await pool.open()
    try:
        yield pool
    finally:
        await pool.close()


def _dsn(dsn: str, *, as_owner: bool) -> str:
    return owner_dsn(dsn) if as_owner else runtime_dsn(dsn)


async def _check(connection: Connection) -> None:
    """Raise if a connection is broken. A server that goes away says so, or leaves its end of the socket closed."""
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN)
    if waiting.poll(0):
        await AsyncConnectionPool.check_connection(connection)


@asynccontextmanager
async def reading(pool: Pool) -> AsyncIterator[Connection]:
    """Take a connection of the pool for some reads. Raises Unavailable."""
    with translated():
        async with pool.connection() as connection:
            yield connection


@contextmanager
def translated() -> Iterator[None]:
    """Raise the driver's errors as ours: the one place that knows both."""
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
    """Return what a driver's error means to a caller; the error itself if it means that we did something wrong."""
    match error:
        case NoDataFound() | ForeignKeyViolation():
            return TenantNotFound(tenant)
        case InsufficientPrivilege():
            return MissingRight(f"PostgreSQL does not let us: {error.diag.message_primary}; run ordertrail migrate")
        case psycopg.DataError() | ProgramLimitExceeded():
            return InvalidEvent(f"PostgreSQL cannot store this: {error.diag.message_primary or error}")
        case PoolTimeout() | psycopg.OperationalError() | psycopg.InterfaceError():
            return Unavailable()
        case _:
            return error
