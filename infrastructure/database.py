"""Connections to PostgreSQL, and its errors in our words."""

import select
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg.errors import ForeignKeyViolation, NoDataFound, ProgramLimitExceeded
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from domain.errors import InvalidEvent, TenantNotFound, Unavailable
from infrastructure.arrays import register_arrays
from infrastructure.migrations import runtime_dsn

Connection = AsyncConnection[tuple[Any, ...]]
Pool = AsyncConnectionPool[Connection]

CONNECT_SECONDS = 5
PATIENCE = {
    "connect_timeout": CONNECT_SECONDS,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}
"""How long libpq believes in a server: a host that loses power says nothing, and nobody may wait for it for ever."""


async def configure(connection: Connection) -> None:
    """Prepare a connection for our statements: autocommit, since every append is one statement."""
    await connection.set_autocommit(True)
    # Whatever the database's own defaults are: an append reads what was committed while it waited for its lock.
    await connection.execute("SET default_transaction_isolation TO 'read committed'")
    await connection.execute("SET client_encoding TO 'UTF8'")
    await connection.execute("SET search_path TO ordertrail")
    await connection.execute("SET timezone TO 'UTC'")
    connection.prepare_threshold = 2
    register_arrays(connection)


async def connect(dsn: str, **settings: str) -> Connection:
    """Open one connection with the rights of the runtime role, and these of PostgreSQL's settings for its session.

    Raises Unavailable.
    """
    with translated():
        connection = await AsyncConnection.connect(runtime_dsn(dsn), **PATIENCE)  # type: ignore[arg-type]
        try:
            await configure(connection)
            for setting in settings.items():
                await connection.execute("SELECT set_config(%s, %s, false)", setting)
        except BaseException:
            await connection.close()
            raise
        return connection


@asynccontextmanager
async def open_pool(dsn: str, *, size: int) -> AsyncIterator[Pool]:
    """Open a pool of at most size connections with the rights of the runtime role; they come as they are needed."""
    pool: Pool = AsyncConnectionPool(
        runtime_dsn(dsn),
        min_size=1,
        max_size=size,
        configure=configure,
        check=_check,
        open=False,
        timeout=CONNECT_SECONDS,
        kwargs=PATIENCE,
    )
    await pool.open()
    try:
        yield pool
    finally:
        await pool.close()


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
        case psycopg.DataError() | ProgramLimitExceeded():
            return InvalidEvent(f"PostgreSQL cannot store this: {error.diag.message_primary or error}")
        case PoolTimeout() | psycopg.OperationalError() | psycopg.InterfaceError():
            return Unavailable()
        case _:
            return error
