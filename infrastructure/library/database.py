"""The recorders' connections to one tenant's ledger. They raise the eventsourcing library's errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from eventsourcing.persistence import (
    ConnectionUnavailableError,
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
    PersistenceError,
    ProgrammingError,
)
from psycopg.errors import AdminShutdown, CrashShutdown
from psycopg_pool import ConnectionPool, PoolTimeout

from domain.errors import OrdertrailError
from domain.values import TenantName
from infrastructure.library.personal import PersonalData
from infrastructure.postgres.patience import BACKGROUND
from infrastructure.postgres.session import MissingRight, become_owner, connecting, described_dsn, set_up
from infrastructure.postgres.statements import statements
from infrastructure.setup.migrations import pending
from infrastructure.setup.owner_session import owner_session

Row = tuple[Any, ...]
Connection = psycopg.Connection[Row]
Cursor = psycopg.Cursor[Row]

WAIT_SECONDS = 10
TRIES = 5
"""How often an operation is tried when its connection breaks. Each try waits for a working connection first."""

_SQL = statements("recorder")

_ERRORS: tuple[tuple[type[psycopg.Error], type[PersistenceError]], ...] = (
    (PoolTimeout, ConnectionUnavailableError),
    (psycopg.InterfaceError, InterfaceError),
    (psycopg.OperationalError, OperationalError),
    (psycopg.DataError, DataError),
    (psycopg.IntegrityError, IntegrityError),
    (psycopg.InternalError, InternalError),
    (psycopg.ProgrammingError, ProgrammingError),
    (psycopg.NotSupportedError, NotSupportedError),
    (psycopg.DatabaseError, DatabaseError),
)


class ConnectionLost(OperationalError):
    """The connection broke, so that the operation on it may or may not have been committed."""


class TenantDatabase:
    """A pool of connections with the rights of the runtime role, for one tenant. Many threads may use it.

    Raises only the library's errors.
    """

    def __init__(self, dsn: str, tenant: TenantName, *, size: int = 10, installation_key: bytes | None = None) -> None:
        self.tenant = tenant
        self.personal = PersonalData(tenant, self.fetch, installation_key)
        self._dsn = dsn
        how = connecting(dsn)
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            how.pop("conninfo"),
            min_size=1,
            max_size=size,
            configure=_set_up,
            check=ConnectionPool.check_connection,
            open=False,
            timeout=WAIT_SECONDS,
            kwargs=how,
        )

    def open(self) -> None:
        """Open the pool, and create the tenant and its ledger if they are missing. The schema must exist."""
        try:
            missing = pending(self._dsn)
        except OrdertrailError as exc:
            raise OperationalError(str(exc)) from exc
        if missing:
            raise ProgrammingError(
                f"The {described_dsn(self._dsn)} lacks migration {missing[0]}; apply it with: ordertrail migrate"
            )
        self._pool.open()
        if self.fetch(_SQL["has_ledger"]) != [(True,)]:
            self._create_ledger()

    def _create_ledger(self) -> None:
        # This takes the owner's rights: the service may not create tenants.
        try:
            with owner_session(self._dsn) as session:
                become_owner(session)
                session.execute(_SQL["create_ledger"], {"tenant": self.tenant})
        except MissingRight as exc:
            raise OperationalError(
                f"There is no tenant {self.tenant!r}. {exc}, or create it with: ordertrail tenant create {self.tenant}"
            ) from exc
        except OrdertrailError as exc:
            raise OperationalError(str(exc)) from exc

    def close(self) -> None:
        self._pool.close()

    def fetch(self, statement: bytes, **parameters: Any) -> list[Row]:
        """Return the rows of a query. If the connection breaks it asks again, because a query changes nothing."""
        for _ in range(TRIES - 1):
            try:
                return self._fetch_once(statement, parameters)
            except ConnectionLost:
                continue
        return self._fetch_once(statement, parameters)

    def _fetch_once(self, statement: bytes, parameters: dict[str, Any]) -> list[Row]:
        with self.cursor() as cursor:
            return cursor.execute(statement, {"tenant": self.tenant, **parameters}).fetchall()

    @contextmanager
    def cursor(self) -> Iterator[Cursor]:
        """Take a connection on which every statement is a transaction of its own."""
        connection: Connection | None = None
        try:
            with self._pool.connection() as connection, connection.cursor(binary=True) as cursor:
                yield cursor
        except psycopg.Error as exc:
            raise _translate(exc, connection) from exc

    @contextmanager
    def transaction(self) -> Iterator[Cursor]:
        """Take a connection on which all statements are one transaction."""
        with self.cursor() as cursor, cursor.connection.transaction():
            yield cursor

    @contextmanager
    def listening(self) -> Iterator[Connection]:
        """Open a separate connection that gets a notification for every append to any ledger; the payload is the
        tenant.
        """
        connection: Connection | None = None
        try:
            with psycopg.connect(**connecting(self._dsn)) as connection:
                _set_up(connection)
                connection.execute("LISTEN ordertrail")
                yield connection
        except psycopg.Error as exc:
            raise _translate(exc, connection) from exc


def _set_up(connection: Connection) -> None:
    set_up(connection, BACKGROUND.settings)


def _translate(error: psycopg.Error, connection: Connection | None) -> PersistenceError:
    """Return the driver's error as the library's. connection is the one on which it happened, if there was one."""
    is_shutdown = isinstance(error, AdminShutdown | CrashShutdown)
    if connection is not None and (connection.closed or is_shutdown):
        return ConnectionLost(str(error))
    return next((theirs for ours, theirs in _ERRORS if isinstance(error, ours)), PersistenceError)(str(error))
