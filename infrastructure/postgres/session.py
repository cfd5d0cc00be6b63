"""Every session with PostgreSQL, whatever the defaults of the server, the database and the role are.

Both drivers, with and without asyncio, connect with what connecting returns, and set their sessions up with set_up or
set_up_async. So all sessions have the same: UTF-8, keep-alives, the rights of the runtime role or of the owner, durable
commits, time-outs, and settings that our statements rely on.
"""

import math
from collections.abc import Mapping
from multiprocessing import current_process, parent_process
from types import MappingProxyType
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from domain.errors import Misconfigured
from infrastructure.postgres.arrays import register_arrays
from infrastructure.postgres.statements import statements

_SQL = statements("session")

RUNTIME_ROLE = "ordertrail_runtime"
CONNECT_SECONDS = 5
_CONNECTION: Mapping[str, Any] = MappingProxyType(
    {
        "autocommit": True,  # every append is one statement
        "prepare_threshold": 2,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 25_000,
    }
)
"""How the drivers connect, and how long libpq trusts a silent server: a host that loses power says nothing."""
NO_SETTINGS: Mapping[str, str] = MappingProxyType({})
_SETTINGS = {
    # An append must see what was committed while it waited for its lock.
    "default_transaction_isolation": "read committed",
    # A call that is forced to have a generic plan is planned without its tenant, and is not sent to the tenant's node.
    "plan_cache_mode": "auto",
    # Otherwise somebody's temporary table could be taken for one of ours.
    "search_path": "ordertrail, pg_temp",
    "timezone": "UTC",
    # The formats of times and periods that the drivers know.
    "datestyle": "ISO",
    "intervalstyle": "postgres",
    # So long the coordinator of a cluster tries to connect to a node. Other servers know no such setting, and take it.
    "citus.node_connection_timeout": "2000",
}


class InvalidDsn(Misconfigured):
    """The DSN is neither a postgresql:// URI nor a list of key=value pairs that libpq understands."""


class MissingRight(Misconfigured):
    """The DSN's user may not do this."""


def connecting(dsn: str, *, as_owner: bool = False, seconds: float | None = CONNECT_SECONDS) -> dict[str, Any]:
    """Return what a driver's connect takes; it tries for so long, or for ever. Raises InvalidDsn."""
    conninfo = owner_dsn(dsn) if as_owner else runtime_dsn(dsn)
    return {**_CONNECTION, "conninfo": conninfo, "connect_timeout": 0 if seconds is None else math.ceil(seconds)}


def runtime_dsn(dsn: str) -> str:
    """Return the DSN with options that give its connections the rights of the runtime role, and no others.

    Raises InvalidDsn.
    """
    parameters = parsed_dsn(owner_dsn(dsn))
    options = f"{parameters.get('options') or ''} -c role={RUNTIME_ROLE}".strip()
    return make_conninfo("", **{**parameters, "options": options})


def owner_dsn(dsn: str) -> str:
    """Return the DSN for our sessions that keep the rights of its user. Raises InvalidDsn."""
    ours = {"fallback_application_name": _application(), "client_encoding": "UTF8"}
    return make_conninfo("", **{**parsed_dsn(dsn), **ours})


def _application() -> str:
    """Return the name that PostgreSQL shows for our sessions, unless the DSN gives another: the process has it too."""
    return "ordertrail" if parent_process() is None else f"ordertrail {current_process().name}"


async def set_up_async(
    connection: psycopg.AsyncConnection[Any], *, as_owner: bool = False, settings: Mapping[str, str] = NO_SETTINGS
) -> None:
    """Prepare a new connection with the common settings and these.

    With as_owner, it gets the rights of the schema's owner. Raises MissingRight if the DSN's user may not have them.
    """
    register_arrays(connection)
    await connection.execute(_SQL["set_up"], _parameters(settings))
    if as_owner:
        became = await (await connection.execute(_SQL["become_owner"])).fetchone()
        _check_owner(connection.info.user, became)


def set_up(connection: psycopg.Connection[Any], settings: Mapping[str, str] = NO_SETTINGS) -> None:
    """Prepare a new connection with the common settings and these."""
    register_arrays(connection)
    connection.execute(_SQL["set_up"], _parameters(settings))


def become_owner(connection: psycopg.Connection[Any]) -> None:
    """Take the rights of the schema's owner. Raises MissingRight if the DSN's user may not have them."""
    _check_owner(connection.info.user, connection.execute(_SQL["become_owner"]).fetchone())


def _check_owner(user: str, became: tuple[str, str | None] | None) -> None:
    if became is not None and became[1] is None:
        raise MissingRight(
            f"This takes the rights of {became[0]}, who owns the schema ordertrail, and {user} may not have them; "
            f"run it with a DSN of {became[0]}"
        )


def _parameters(settings: Mapping[str, str]) -> dict[str, list[str]]:
    wanted = {**_SETTINGS, **settings}
    return {"names": list(wanted), "values": list(wanted.values())}


def parsed_dsn(dsn: str) -> dict[str, Any]:
    """Return a DSN's parameters. Raises InvalidDsn."""
    try:
        return dict(conninfo_to_dict(dsn))
    except psycopg.ProgrammingError:
        # Do not chain it: libpq quotes the text that it does not understand, and that contains the password.
        raise InvalidDsn from None


def described_dsn(dsn: str) -> str:
    """Return the database that a DSN names, for messages; without the password."""
    parameters = parsed_dsn(dsn)
    host = parameters.get("host") or parameters.get("hostaddr") or "the default host"
    port = f", port {parameters['port']}" if parameters.get("port") else ""
    return f"database {parameters.get('dbname') or 'of the default name'} on {host}{port}"
