"""A look at a database before anything is done to it: its schema's owner, its migrations, and our rights."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from typing import NamedTuple

from psycopg.errors import UndefinedColumn
from yoyo import read_migrations
from yoyo.migrations import MigrationList

from domain.errors import Misconfigured
from infrastructure.postgres.session import become_owner
from infrastructure.postgres.statements import statements
from infrastructure.setup.owner_session import Session

_SQL = statements("setup")


class ForeignSchema(Misconfigured):
    """The database has a schema ordertrail that is not ours; choose another database."""


class NewerSchema(Misconfigured):
    """The database was migrated by a newer release."""


class Survey(NamedTuple):
    """The content of a database, and the rights of the DSN's user in it."""

    owner: str | None
    """The schema's owner; None if there is no schema."""
    is_owner: bool
    """Whether the user may act as the owner."""
    has_role: bool
    """Whether the runtime role exists."""
    is_runtime: bool
    """Whether the user may act as the runtime role."""
    has_history: bool
    has_other_objects: bool
    other_owner: str | None
    """Another owner of something in the schema; None if the schema's owner owns everything."""


def survey(session: Session) -> Survey:
    """Look at a database with the session's present rights."""
    [row] = session.execute(_SQL["survey"]).fetchall()
    return Survey(*row)


def pending_in(session: Session, found: Survey) -> list[str]:
    """Return the migrations that are not applied yet. The session keeps as many rights as its user may have.

    Raises ForeignSchema, NewerSchema.
    """
    if found.is_owner:
        become_owner(session)
    elif found.is_runtime:
        session.execute(_SQL["become_runtime"])
    return check_history(history(session, found))


def check_history(applied: set[str]) -> list[str]:
    """Return the migrations that are not among the applied ones. Raises ForeignSchema, NewerSchema."""
    with all_migrations() as migrations:
        names = [migration.id for migration in migrations]
    if strange := sorted(applied - set(names)):
        if not applied & set(names):
            raise ForeignSchema
        raise NewerSchema(
            f"The database has the migration {strange[-1]}, which this release of Ordertrail does not know; "
            "run the release that applied it, or a newer one"
        )
    return [name for name in names if name not in applied]


def history(session: Session, found: Survey) -> set[str]:
    """Return the applied migrations. Raises ForeignSchema if we did not make the schema."""
    try:
        applied = {row[0] for row in session.execute(_SQL["history"])} if found.has_history else set()
    except UndefinedColumn as exc:
        raise ForeignSchema from exc
    if found.has_other_objects and not applied:
        raise ForeignSchema
    return applied


@contextmanager
def all_migrations() -> Iterator[MigrationList]:
    """Yield all migrations. Their files are read and parsed, which takes a while, only if they are applied."""
    with as_file(files("infrastructure").joinpath("sql", "migrations")) as folder:
        yield read_migrations(str(folder))
