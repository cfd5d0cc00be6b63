"""Doctor sees what is wrong with a node of a cluster, and distributing again mends what it can."""

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from api.bootstrap import check_up
from application.views.health import InstallationShape
from infrastructure.setup.migrations import migrate
from infrastructure.setup.node_checkup import NodeCheckup
from tests.cluster import nodes
from tests.lost_node import gone

pytestmark = pytest.mark.citus

RESET = "ALTER ROLE ordertrail_runtime IN DATABASE {} RESET statement_timeout"


@pytest.fixture(autouse=True)
def settings_of_this_database(dsn: str) -> None:
    """A copy of a database has none of the settings that roles have in the original."""
    migrate(dsn, show=lambda *_: None)


def on_node(dsn: str, statement: str) -> None:
    """Execute something on one node only."""
    name = sql.Identifier(str(conninfo_to_dict(dsn)["dbname"]))
    with psycopg.connect(nodes(dsn)[-1], autocommit=True) as connection:
        connection.execute("SET citus.enable_ddl_propagation = off")
        connection.execute(sql.SQL(statement).format(name))  # type: ignore[arg-type]


def faults(seen: tuple[NodeCheckup, ...]) -> list[str]:
    """Return what is wrong besides what the servers of the tests are."""
    return [what for node in seen for what in node.wrong if "= off" not in what]


def test_every_node_of_a_cluster_is_looked_at(dsn: str) -> None:
    seen = check_up(dsn)

    assert seen.shape == InstallationShape.DISTRIBUTED
    assert len(seen.nodes) == len(nodes(dsn))
    assert faults(seen.nodes) == []
    assert {node.loss for node in seen.nodes} == {""}


def test_a_node_that_lacks_a_setting_is_named_and_mended(dsn: str) -> None:
    on_node(dsn, RESET)
    assert [what for what in faults(check_up(dsn).nodes) if "statement_timeout = 60000" in what] != []

    migrate(dsn, show=lambda *_: None)

    assert faults(check_up(dsn).nodes) == []


def test_a_node_that_takes_no_writes_is_named(dsn: str) -> None:
    on_node(dsn, "ALTER DATABASE {} SET default_transaction_read_only = on")

    assert faults(check_up(dsn).nodes) == ["its transactions are read-only by default"]


def test_a_lost_node_is_named(dsn: str) -> None:
    node = nodes(dsn)[-1]
    with gone(node):
        seen = check_up(dsn)

    [lost] = [found for found in seen.nodes if found.loss]
    assert lost.name.endswith(f":{conninfo_to_dict(node)['port']}")
