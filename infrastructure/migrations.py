"""Brings a database to the present schema, and tells how far it is; the files in sql/migrations apply in name order."""

import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.resources import as_file, files
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from yoyo import read_migrations
from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend
from yoyo.connections import DatabaseURI
from yoyo.migrations import MigrationList

from domain.errors import OrdertrailError, Unavailable

SCHEMA = "ordertrail"
RUNTIME_ROLE = "ordertrail_runtime"
OLDEST_SERVER = 150_000
CONNECT_SECONDS = 10

_MIGRATION_TABLE = "_yoyo_migration"
_LOCK = "SELECT pg_advisory_lock(hashtextextended('ordertrail migrations', 0))"
_UNLOCK = "SELECT pg_advisory_unlock(hashtextextended('ordertrail migrations', 0))"
_HAS_SCHEMA = "SELECT to_regnamespace('ordertrail') IS NOT NULL"
_HAS_HISTORY = "SELECT to_regclass('ordertrail._yoyo_migration') IS NOT NULL"
_APPLIED = "SELECT migration_id FROM ordertrail._yoyo_migration"


class InvalidDsn(OrdertrailError):
    """The DSN is neither a postgresql:// URI nor a list of key=value pairs that libpq understands."""


class ServerTooOld(OrdertrailError):
    """The PostgreSQL server is older than 15, the oldest release Ordertrail runs on."""


class WrongEncoding(OrdertrailError):
    """The database's encoding is not UTF-8, which events are written in."""


class MigrationFailed(OrdertrailError):
    """A migration could not be applied; the database is as it was before it."""


def migrate(dsn: str) -> list[str]:
    """Apply the migrations the database does not have yet, each in a transaction of its own, and return their names.

    Any number of processes may call it at once: one migrates, the others wait for it and find nothing left to do.
    Raises Unavailable, InvalidDsn, ServerTooOld, MigrationFailed.
    """
    with _connect(dsn) as connection, _migrations() as migrations:
        backend = _Backend(connection)
        with backend.lock():
            backend.create_schema()
            todo = backend.to_apply(migrations)
            for migration in todo:
                backend.apply_one(migration)
    return [migration.id for migration in todo]


def pending(dsn: str) -> list[str]:
    """Return the names of the migrations the database does not have yet; writes nothing, waits for nobody."""
    with _connect(dsn) as connection:
        has_history = connection.execute(_HAS_HISTORY).fetchone() == (True,)
        applied = {row[0] for row in connection.execute(_APPLIED)} if has_history else set()
    with _migrations() as migrations:
        return [migration.id for migration in migrations if migration.id not in applied]


def is_current(dsn: str) -> bool:
    """Return whether the database has every migration of this release; it may have later ones as well."""
    return not pending(dsn)


def runtime_dsn(dsn: str) -> str:
    """Return the DSN with the option that gives its connections the rights of the runtime role, and no others."""
    parameters = _parse(dsn)
    options = f"{parameters.get('options') or ''} -c role={RUNTIME_ROLE}".strip()
    return make_conninfo("", **{**parameters, "options": options})


def describe_dsn(dsn: str) -> str:
    """Return which database a DSN means, for messages: without the password."""
    parameters = _parse(dsn)
    host = parameters.get("host") or parameters.get("hostaddr") or "the default host"
    port = f", port {parameters['port']}" if parameters.get("port") else ""
    return f"database {parameters.get('dbname') or 'of the default name'} on {host}{port}"


class _Backend(PostgresqlPsycopgBackend):  # type: ignore[misc]  # yoyo ships no types
    """Yoyo on a connection of ours, with its own tables in our schema."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._given = connection
        super().__init__(DatabaseURI("postgresql+psycopg", None, None, None, None, None, {}), _MIGRATION_TABLE)

    def connect(self, dburi: DatabaseURI) -> psycopg.Connection:
        self.schema = SCHEMA
        return self._given

    @contextmanager
    def lock(self, timeout: float = 0) -> Iterator[None]:
        # Yoyo's own lock is a row, which a killed process leaves behind for somebody to remove by hand. This one
        # vanishes with its session; the session may take it more than once.
        self.execute(_LOCK)
        try:
            yield
        finally:
            if not self.connection.closed:
                self.execute(_UNLOCK)

    def create_schema(self) -> None:
        # Asked first, because CREATE SCHEMA IF NOT EXISTS wants the right to create even if it does.
        if self.execute(_HAS_SCHEMA).fetchone() == (False,):
            self.execute("CREATE SCHEMA ordertrail")

    def apply_one(self, migration: Any, force: bool = False, mark: bool = True) -> None:
        # Yoyo marks a migration as applied in a transaction of its own: a crash in between would make the next run
        # apply it again, and fail.
        self.ensure_internal_schema_updated()
        try:
            with self.transaction():
                migration.process_steps(self, "apply", force=force)
                self.log_migration(migration, "apply")
                if mark:
                    self.mark_one(migration, log=False)
        except psycopg.Error as exc:
            hint = f". {exc.diag.message_hint}" if exc.diag.message_hint else ""
            raise MigrationFailed(f"Migration {migration.id} could not be applied: {_reason(exc)}{hint}") from exc

    def get_log_data(self, migration: Any = None, operation: str = "apply") -> dict[str, Any]:
        # Yoyo's own asks the password database and the name server, which a container need not have.
        return {
            "id": str(uuid.uuid4()),
            "migration_id": migration.id if migration else None,
            "migration_hash": migration.hash if migration else None,
            "username": self.connection.info.user,
            "hostname": socket.gethostname(),
            "created_at_utc": datetime.now(UTC).replace(tzinfo=None),
            "operation": operation,
        }


@contextmanager
def _migrations() -> Iterator[MigrationList]:
    """Yield all migrations. Their files are read and parsed, which takes a while, only if they are to be applied."""
    with as_file(files("infrastructure").joinpath("sql", "migrations")) as folder:
        yield read_migrations(str(folder))


def _parse(dsn: str) -> dict[str, Any]:
    try:
        return dict(conninfo_to_dict(dsn))
    except psycopg.ProgrammingError:
        # Not chained: libpq repeats the text it does not understand, and with it the password.
        raise InvalidDsn from None


@contextmanager
def _connect(dsn: str) -> Iterator[psycopg.Connection]:
    """Open a connection in autocommit mode to a server we can run on, and raise what goes wrong on it as ours."""
    parameters = {"connect_timeout": CONNECT_SECONDS, **_parse(dsn)}
    try:
        with psycopg.connect(make_conninfo("", **parameters), autocommit=True) as connection:
            _check_version(connection.info.server_version)
            _check_encoding(connection.info.parameter_status("server_encoding") or "")
            yield connection
    except psycopg.OperationalError as exc:
        raise Unavailable(f"Cannot use {describe_dsn(dsn)}: {_reason(exc)}") from exc
    except psycopg.Error as exc:
        raise MigrationFailed(f"PostgreSQL refuses to work on {describe_dsn(dsn)}: {_reason(exc)}") from exc


def _reason(error: psycopg.Error) -> str:
    return (error.diag.message_primary or str(error) or type(error).__name__).strip().split("\n")[0]


def _check_encoding(encoding: str) -> None:
    if encoding != "UTF8":
        raise WrongEncoding(f"The database's encoding is {encoding}; make one with CREATE DATABASE … ENCODING 'UTF8'")


def _check_version(version: int) -> None:
    if version < OLDEST_SERVER:
        raise ServerTooOld(
            f"The server runs PostgreSQL {version // 10_000}; Ordertrail needs {OLDEST_SERVER // 10_000} or later"
        )
