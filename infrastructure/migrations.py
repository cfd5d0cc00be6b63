"""Brings a database to the present schema, and tells how far it is; the files in sql/migrations apply in name order."""

import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.resources import as_file, files
from typing import Any

import psycopg
from yoyo import read_migrations
from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend
from yoyo.connections import DatabaseURI
from yoyo.migrations import MigrationList

from infrastructure.owner_session import Session, SetupFailed, owner_session, with_hint

SCHEMA = "ordertrail"

_MIGRATION_TABLE = "_yoyo_migration"
_LOCK = "SELECT pg_advisory_lock(hashtextextended('ordertrail migrations', 0))"
_UNLOCK = "SELECT pg_advisory_unlock(hashtextextended('ordertrail migrations', 0))"
_HAS_SCHEMA = "SELECT to_regnamespace('ordertrail') IS NOT NULL"
_HAS_HISTORY = "SELECT to_regclass('ordertrail._yoyo_migration') IS NOT NULL"
_APPLIED = "SELECT migration_id FROM ordertrail._yoyo_migration"


class MigrationFailed(SetupFailed):
    """A migration could not be applied; the database is as it was before it."""


def migrate(dsn: str) -> list[str]:
    """Do what migrate_in does, in a session of its own. Raises as owner_session does as well."""
    with owner_session(dsn) as session:
        return migrate_in(session)


def migrate_in(session: Session) -> list[str]:
    """Apply the migrations the database does not have yet, each in a transaction of its own, and return their names.

    Any number of processes may call it at once: one migrates, the others wait for it and find nothing left to do.
    Raises MigrationFailed.
    """
    with _migrations() as migrations:
        backend = _Backend(session)
        with backend.lock():
            backend.create_schema()
            todo = backend.to_apply(migrations)
            for migration in todo:
                backend.apply_one(migration)
    return [migration.id for migration in todo]


def pending(dsn: str) -> list[str]:
    """Return the names of the migrations the database does not have yet; writes nothing, waits for nobody."""
    with owner_session(dsn) as connection:
        has_history = connection.execute(_HAS_HISTORY).fetchone() == (True,)
        applied = {row[0] for row in connection.execute(_APPLIED)} if has_history else set()
    with _migrations() as migrations:
        return [migration.id for migration in migrations if migration.id not in applied]


def is_current(dsn: str) -> bool:
    """Return whether the database has every migration of this release; it may have later ones as well."""
    return not pending(dsn)


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
            raise MigrationFailed(f"Migration {migration.id} could not be applied: {with_hint(exc)}") from exc

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
