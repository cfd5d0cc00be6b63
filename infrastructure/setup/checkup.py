"""A look at a database that changes nothing: what it is, and what it lacks to be served."""

from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from psycopg.errors import InsufficientPrivilege

from application.views.health import InstallationShape
from domain.errors import Misconfigured
from infrastructure.postgres.session import RUNTIME_ROLE, parsed_dsn
from infrastructure.postgres.statements import statements
from infrastructure.setup import rights
from infrastructure.setup.distribution import distribution_in
from infrastructure.setup.node_checkup import NodeCheckup, check_up_nodes
from infrastructure.setup.owner_session import Session, owner_session, unsafe_settings
from infrastructure.setup.survey import Survey, pending_in, survey

_SQL = statements("checkup")


class Checkup(NamedTuple):
    """What was found. An empty text means that nothing is wrong."""

    version: str
    """The server's release."""
    refusal_of_writes: str
    wrong_roles: str
    wrong_schema: str
    is_migrated: bool
    unsafe: list[str]
    """The server's settings with which it may lose what it has confirmed."""
    synchronous_commit: str
    """The server's default, which our sessions replace if it is weaker than on."""
    size: int
    """How many bytes the database has."""
    folder: Path | None
    """Where its data is, if that is on this machine and we may know."""
    shape: InstallationShape = InstallationShape.ONE_SERVER
    nodes: tuple[NodeCheckup, ...] = ()
    """The nodes of a cluster, the coordinator first; one server has none."""


def check_up(dsn: str) -> Checkup:
    """Look at a database. Raises what owner_session raises."""
    with owner_session(dsn) as session:
        unsafe = unsafe_settings(session)
        [(version, is_standby, is_read_only, commit, size, folder)] = session.execute(_SQL["server"]).fetchall()
        found = survey(session)
        is_migrated, wrong_schema = _schema(session, found)
        shape = distribution_in(session).shape
        return Checkup(
            version=version,
            refusal_of_writes=_refusal(is_standby=is_standby, is_read_only=is_read_only),
            wrong_roles=_roles(session, found),
            wrong_schema=wrong_schema,
            is_migrated=is_migrated,
            unsafe=unsafe,
            synchronous_commit=commit,
            size=size,
            folder=_local(dsn, folder),
            shape=shape,
            nodes=check_up_nodes(session, shape),
        )


def _refusal(*, is_standby: bool, is_read_only: bool) -> str:
    if is_standby:
        return "it is a standby, which takes no writes"
    return "its transactions are read-only by default" if is_read_only else ""


def _schema(session: Session, found: Survey) -> tuple[bool, str]:
    """Return whether the schema is the present one, and what is wrong with it."""
    if found.owner is None:
        return False, "the database has no schema ordertrail yet"
    try:
        missing = pending_in(session, found)
    except Misconfigured as wrong:
        return False, str(wrong)
    except InsufficientPrivilege:
        return False, f"the schema of {found.owner} cannot be read"
    if missing:
        return False, f"the migration {missing[0]} and {len(missing) - 1} more are missing"
    if found.other_owner is not None:
        return True, f"something in it belongs to {found.other_owner}, not to {found.owner}"
    return True, ""


def _roles(session: Session, found: Survey) -> str:
    """Return what is wrong with the runtime role and its rights."""
    user = session.info.user
    if not found.has_role:
        return f"the role {RUNTIME_ROLE} does not exist"
    if not found.is_runtime:
        return f"{user} may not become the role {RUNTIME_ROLE}"
    if found.owner is None:
        return ""
    try:
        are_set = rights.are_set(session)
    except Misconfigured as wrong:
        return str(wrong)
    except InsufficientPrivilege:
        are_set = False
    return "" if are_set else f"the rights of the role {RUNTIME_ROLE} are not those of this release"


def _local(dsn: str, folder: str | None) -> Path | None:
    """Return a server's folder if it is here: a server that we reach by a socket sees the same disks, mostly."""
    host = str(parsed_dsn(dsn).get("host") or "/")
    with suppress(OSError):
        if folder and host.startswith("/") and Path(folder).is_dir():
            return Path(folder)
    return None
