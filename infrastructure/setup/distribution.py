"""Spreads an installation over the nodes of a Citus cluster: each tenant's rows are on one node, all on the same."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from psycopg import sql

from application.views.health import InstallationShape
from domain.errors import Misconfigured
from infrastructure.postgres.patience import BACKGROUND
from infrastructure.postgres.session import RUNTIME_ROLE
from infrastructure.postgres.statements import statements
from infrastructure.setup.owner_session import Session

Show = Callable[[int, int], None]
"""Takes how many tables are on all nodes, and how many there are."""

_SQL = statements("distribution")
TABLES = _SQL["tables"]
_AS_HERE = ("default_transaction_isolation", "synchronous_commit", "timezone", "datestyle", "intervalstyle")
"""What nodes learn of our sessions. Citus does not tell them what a session has set."""


class NoCitus(Misconfigured):
    """The server has no Citus, so it cannot spread tenants over nodes; add the extension citus to the database on it
    and on each node, or leave the installation on one server.
    """


class Table(NamedTuple):
    """One of our tables."""

    name: str
    is_of_tenants: bool
    is_on_nodes: bool


class Distribution(NamedTuple):
    """How far an installation is distributed."""

    tables: tuple[Table, ...]

    @property
    def shape(self) -> InstallationShape:
        where = {table.is_on_nodes for table in self.tables}
        if where == {True, False}:
            return InstallationShape.PARTLY_DISTRIBUTED
        return InstallationShape.DISTRIBUTED if True in where else InstallationShape.ONE_SERVER


def distribution(rows: Iterable[tuple[str, bool, bool]]) -> Distribution:
    """Return how far the installation is distributed, by the rows of the statement TABLES."""
    return Distribution(tuple(Table(*row) for row in rows))


def distribution_in(session: Session) -> Distribution:
    """Return how far the installation is distributed."""
    return distribution(session.execute(TABLES).fetchall())


def require_citus(session: Session) -> None:
    """Raise NoCitus if the database has no Citus."""
    if session.execute(_SQL["has_citus"]).fetchone() != (True,):
        raise NoCitus


def distribute(session: Session, show: Show = lambda *_: None) -> None:
    """Distribute what is not distributed yet, with the rights of the schema's owner.

    Each table is a transaction of its own, which holds up whoever writes to it. After an interruption, call it again.
    Raises NoCitus.
    """
    require_citus(session)
    session.execute(_SQL["let_role_in"])
    for statement in _settings_of_nodes(session):
        session.execute(statement)
    tables = distribution_in(session).tables
    for done, table in enumerate(tables, 1):
        if not table.is_on_nodes:
            with session.transaction():
                session.execute(_SQL[_how(table)], {"name": table.name})
                session.execute(_SQL["forget_local_rows"], {"name": table.name})
        show(done, len(tables))
    session.execute(_SQL["plan_each_call"])
    session.execute(_SQL["name_nodes"])
    for name, is_entry in session.execute(_SQL["functions"]).fetchall():
        how = "distribute_function" if is_entry else "copy_function_to_all_nodes"
        session.execute(_SQL[how], {"name": name})


def _how(table: Table) -> str:
    if not table.is_of_tenants:
        return "copy_table_to_all_nodes"
    return "distribute_ledgers" if table.name == "ledgers" else "distribute_table"


def _settings_of_nodes(session: Session) -> Iterator[sql.Composed]:
    """Yield what makes sessions on the nodes as ours are here, with time-outs for those that nobody ends any more."""
    [owner] = session.execute("SELECT current_user").fetchone() or ("",)
    settings: Mapping[str, Mapping[str, str]] = {
        RUNTIME_ROLE: settings_of_runtime_role(session),
        owner: _settings_here(session),
    }
    for role, of_role in settings.items():
        for name, value in of_role.items():
            yield sql.SQL("ALTER ROLE {} IN DATABASE {} SET {} TO {}").format(
                sql.Identifier(role), sql.Identifier(session.info.dbname), sql.Identifier(name), sql.Literal(value)
            )


def settings_of_runtime_role(session: Session) -> dict[str, str]:
    """Return what the sessions of the service are to have on each node."""
    return {**_settings_here(session), **BACKGROUND.settings}


def _settings_here(session: Session) -> dict[str, str]:
    return {name: _setting(session, name) for name in _AS_HERE}


def _setting(session: Session, name: str) -> str:
    [value] = session.execute("SELECT current_setting(%s)", [name]).fetchone() or ("",)
    return str(value)
