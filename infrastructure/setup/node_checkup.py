"""A look at each node of a cluster that changes nothing: whether it answers, and what is wrong with it."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from application.views.health import InstallationShape
from infrastructure.postgres.session import RUNTIME_ROLE
from infrastructure.postgres.statements import statements
from infrastructure.setup.distribution import settings_of_runtime_role
from infrastructure.setup.owner_session import Session

_SQL = statements("distribution")
_NODES = statements("nodes")


class NodeCheckup(NamedTuple):
    """What was found of one node. Without anything wrong it is well."""

    name: str
    tenants: int
    loss: str
    """Why it does not answer; empty if it does."""
    wrong: tuple[str, ...]


def check_up_nodes(session: Session, shape: InstallationShape) -> tuple[NodeCheckup, ...]:
    """Look at the nodes that the tenants of an installation are on; one server has none."""
    if shape == InstallationShape.ONE_SERVER:
        return ()
    tenants = {node: len(found) for node, found in session.execute(_NODES["tenants_by_node"]).fetchall()}
    expected = settings_of_runtime_role(session)
    command = {"command": _SQL["node"].decode()}
    return tuple(
        NodeCheckup(name, tenants.get(name, 0), "", tuple(_wrong(json.loads(said), expected)))
        if answers
        else NodeCheckup(name, tenants.get(name, 0), " ".join(said.split()), ())
        for name, answers, said in session.execute(_SQL["nodes"], command).fetchall()
    )


def _wrong(said: Mapping[str, Any], expected: Mapping[str, str]) -> Iterator[str]:
    """Yield what is wrong with a node, by what it says of itself."""
    yield from (f"{name} = off" for name in ("fsync", "full_page_writes") if said[name] != "on")
    if said["is_standby"]:
        yield "it is a standby, which takes no writes"
    elif said["default_transaction_read_only"] == "on":
        yield "its transactions are read-only by default"
    if not said["can_log_in"]:
        yield f"the role {RUNTIME_ROLE} may not log in there"
    has = {name.lower(): value for name, value in (setting.split("=", 1) for setting in said["settings"])}
    missing = [f"{name} = {value}" for name, value in expected.items() if has.get(name) != value]
    if missing:
        yield f"the role {RUNTIME_ROLE} lacks {', '.join(missing)} there"
