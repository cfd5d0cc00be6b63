"""Brings a database to the present schema, gives the runtime role its rights, and tells what a database lacks.

The files in sql/migrations are applied in the order of their names, then sql/rights.sql.
"""

import socket
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg.errors import InsufficientPrivilege
from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend
from yoyo.connections import DatabaseURI

from application.views.health import InstallationShape
from infrastructure.postgres.session import RUNTIME_ROLE, MissingRight, become_owner
from infrastructure.postgres.statements import statements
from infrastructure.setup import rights
from infrastructure.setup.distribution import Show, distribute, distribution_in, require_citus
from infrastructure.setup.owner_session import Session, SetupFailed, owner_session, with_hint
from infrastructure.setup.survey import Survey, all_migrations, check_history, history, pending_in, survey

SCHEMA = "ordertrail"
Tell = Callable[[str], None]
"""Takes a sentence for each thing that was mended in a database that was in use before."""

_MIGRATION_TABLE = "_yoyo_migration"
_SQL = statements("setup")


class MigrationFailed(SetupFailed):
    """A migration could not be applied; the database is as it was before it."""


def migrate(dsn: str, tell: Tell = lambda _: None, *, show: Show | None = None) -> list[str]:
    """Do what migrate_in does, in a session of its own. Also raises what owner_session raises."""
    with owner_session(dsn) as session:
        return migrate_in(session, tell, show=show)


def migrate_in(session: Session, tell: Tell = lambda _: None, *, show: Show | None = None) -> list[str]:
    """Apply the missing migrations, and return their names; mend the role and its rights. With show, distribute the
    installation, which it tells the progress of, and mend what nodes lack. What is distributed already stays so, and
    what is added to it is distributed too.

    Each migration is a transaction of its own. Any number of processes may call this at once: one migrates, and the
    others wait for it and find nothing left to do. If nothing is to be done, nothing is locked, and the DSN's user
    needs only to be a member of the runtime role. Afterwards the session has the rights of the schema's owner, or of
    that role. Raises MigrationFailed, MissingRight, ForeignSchema, NewerSchema, RoleMayTooMuch, NoCitus.
    """
    if show is not None:
        require_citus(session)
    found = survey(session)
    if found.owner is not None and not found.is_owner:
        _check_without_owner(session, found)
        return []
    if show is None and _is_whole(session, found):
        return []
    with _lock(session):
        return _migrate(session, tell, show)


def pending(dsn: str) -> list[str]:
    """Return the names of the missing migrations. It writes nothing and waits for nobody.

    Raises what owner_session raises, and MissingRight, ForeignSchema, NewerSchema.
    """
    with owner_session(dsn) as session:
        return pending_in(session, survey(session))


def _is_whole(session: Session, found: Survey) -> bool:
    return (
        found.owner is not None
        and found.other_owner is None
        and found.is_runtime
        and not pending_in(session, found)
        and rights.are_set(session)
        and distribution_in(session).shape != InstallationShape.PARTLY_DISTRIBUTED
    )


def _check_without_owner(session: Session, found: Survey) -> None:
    """Check that nothing is to be done. Raises MissingRight if something is, or if the user has no rights at all."""
    user = session.info.user
    if not found.is_runtime:
        raise MissingRight(
            f"{user} may not become the role {RUNTIME_ROLE}, nor {found.owner}, who owns the schema ordertrail; run "
            f"ordertrail migrate as {found.owner}, and as a superuser: GRANT {RUNTIME_ROLE} TO {user}"
        )
    try:
        todo = pending_in(session, found)
        what = f"lacks the migration {todo[0]}" if todo else None
        if what is None and distribution_in(session).shape == InstallationShape.PARTLY_DISTRIBUTED:
            what = "is distributed only in part"
        if what is None and not rights.are_set(session):
            what = f"does not give the role {RUNTIME_ROLE} the rights that it needs"
    except InsufficientPrivilege:
        what = f"does not give the role {RUNTIME_ROLE} the rights that it needs"
    if what is not None:
        raise MissingRight(
            f"The database {what}, and {user} may not change that; run ordertrail migrate as {found.owner}, who owns "
            "the schema ordertrail"
        )


def _migrate(session: Session, tell: Tell, show: Show | None) -> list[str]:
    before = survey(session)
    if before.other_owner is not None:
        _give_to_owner(session, before)
    todo = pending_in(session, before)
    session.execute(_SQL["become_user"])
    rights.make_role(session)
    if before.owner is None:
        session.execute(_SQL["create_schema"])
    become_owner(session)
    with all_migrations() as migrations:
        backend = _Backend(session)
        for migration in backend.to_apply(migrations):
            backend.apply_one(migration)
    if show is not None or distribution_in(session).shape != InstallationShape.ONE_SERVER:
        distribute(session, show or (lambda *_: None))
    change = rights.set_anew(session)
    if before.has_history:
        _tell(tell, session, before, todo, change)
    return todo


def _give_to_owner(session: Session, found: Survey) -> None:
    """If the schema is ours, give its owner what belongs to others in it. Raises MissingRight, ForeignSchema."""
    try:
        check_history(history(session, found))
        session.execute(_SQL["give_to_owner"])
    except InsufficientPrivilege as exc:
        raise MissingRight(
            f"The schema ordertrail belongs to {found.owner}, and something in it to {found.other_owner}; "
            f"{session.info.user} may not change that: run ordertrail migrate once as a superuser"
        ) from exc


def _tell(tell: Tell, session: Session, before: Survey, applied: list[str], change: rights.RightsChange) -> None:
    for name in applied:
        tell(f"Migration {name} was applied")
    if before.other_owner is not None:
        tell(f"What belonged to {before.other_owner} in the schema belongs to the schema's owner now, {before.owner}")
    if not before.has_role:
        tell(f"The role {RUNTIME_ROLE}, which the service runs as, was missing and was made")
    elif not before.is_runtime:
        tell(f"{session.info.user} is a member of the role {RUNTIME_ROLE} now, which the service runs as")
    if any(change):
        tell(f"The rights of {RUNTIME_ROLE} were mended: {change.missing} were missing, {change.excess} too many")


@contextmanager
def _lock(session: Session) -> Iterator[None]:
    # Yoyo's own lock is a row, which a killed process leaves behind for somebody to remove by hand. Our lock vanishes
    # with its session.
    session.execute(_SQL["lock"])
    try:
        yield
    finally:
        if not session.closed:
            session.execute(_SQL["unlock"])


class _Backend(PostgresqlPsycopgBackend):  # type: ignore[misc]  # yoyo ships no types
    """Yoyo in a session of ours that has the lock, with Yoyo's own tables in our schema."""

    def __init__(self, session: Session) -> None:
        self._given = session
        super().__init__(DatabaseURI("postgresql+psycopg", None, None, None, None, None, {}), _MIGRATION_TABLE)

    def connect(self, dburi: DatabaseURI) -> Session:
        self.schema = SCHEMA
        return self._given

    @contextmanager
    def lock(self, timeout: float = 0) -> Iterator[None]:
        yield

    def apply_one(self, migration: Any, force: bool = False, mark: bool = True) -> None:
        # Yoyo marks a migration as applied in a separate transaction. After a crash in between, the next run would
        # apply the migration again, and fail.
        self.ensure_internal_schema_updated()
        try:
            with self.transaction():
                migration.process_steps(self, "apply", force=force)
                self.log_migration(migration, "apply")
                if mark:
                    self.mark_one(migration, log=False)
        except psycopg.OperationalError:
            raise  # the server's disk is full, or the server is away: the migration itself is right
        except psycopg.Error as exc:
            raise MigrationFailed(f"Migration {migration.id} could not be applied: {with_hint(exc)}") from exc

    def get_log_data(self, migration: Any = None, operation: str = "apply") -> dict[str, Any]:
        # Yoyo's own function asks the password database and the name server, which a container need not have.
        return {
            "id": str(uuid.uuid4()),
            "migration_id": migration.id if migration else None,
            "migration_hash": migration.hash if migration else None,
            "username": self.connection.info.user,
            "hostname": socket.gethostname(),
            "created_at_utc": datetime.now(UTC).replace(tzinfo=None),
            "operation": operation,
        }
