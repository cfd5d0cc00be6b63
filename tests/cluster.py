"""Databases on a Citus cluster that somebody runs: the one whose coordinator ORDERTRAIL_TEST_CITUS_DSN names.

The DSN is that of a superuser, who may connect to every node in the same way. The database that it names knows the
nodes.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import LiteralString

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

COORDINATOR = os.environ.get("ORDERTRAIL_TEST_CITUS_DSN")
ACTIVITY: LiteralString = (
    "pg_stat_activity"
    if COORDINATOR is None
    else "(SELECT global_pid AS pid, datname, wait_event_type, query, query_start AS backend_start"
    " FROM citus_stat_activity) AS activity"
)
"""What sessions do on all nodes, in FROM. What their pid is, pg_cancel_backend takes."""
SHARDS = 4
"""Into how many parts the databases of the tests are divided: more take longer to make."""


def require_one_server(dsn: str, why: str) -> None:
    """Skip the test if it is run on the cluster."""
    if dsn == COORDINATOR:
        pytest.skip(f"it needs one server: {why}")


def servers(dsn: str) -> list[str]:
    """Return the DSN of each server that has a part of the database: one server, or the nodes of the cluster."""
    return [dsn] if COORDINATOR is None else nodes(dsn)


def nodes(dsn: str) -> list[str]:
    """Return the DSN of each node, the coordinator first."""
    query = "SELECT nodename, nodeport FROM pg_dist_node WHERE isactive ORDER BY groupid"
    with psycopg.connect(dsn) as connection:
        found = connection.execute(query).fetchall()
    workers = [(host, port) for host, port in found if not _is_coordinator(dsn, host, port)]
    return [dsn, *(make_conninfo(dsn, host=host, port=port) for host, port in workers)]


def _is_coordinator(dsn: str, host: str, port: int) -> bool:
    return str(port) == str(conninfo_to_dict(dsn).get("port", 5432))


@contextmanager
def database_on_cluster(dsn: str, name: str, *, template: str | None = None) -> Iterator[None]:
    """Create a database on every node, as a copy of another one or of one with nothing but Citus, and drop it."""
    every = nodes(dsn)
    create = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
    _on_each(every, create.format(sql.Identifier(name), sql.Identifier(template or _bare(dsn))))
    try:
        # A copy has not the original's settings.
        divide = sql.SQL("ALTER DATABASE {} SET citus.shard_count = {}").format(sql.Identifier(name), SHARDS)
        _on_each(every, divide)
        yield
    finally:
        _drop(every, name)


@cache
def _bare(dsn: str) -> str:
    """Return the name of a database with nothing but Citus, which takes seconds to make."""
    every, name = nodes(dsn), f"test_{os.getpid()}_bare"
    _on_each(every, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    _join(every, name)
    close(dsn, name)
    return name


def tidy_up(dsn: str) -> None:
    """Drop what was made for all tests of a session."""
    if _bare.cache_info().currsize:
        _drop(nodes(dsn), _bare(dsn))
        _bare.cache_clear()


def _drop(every: Sequence[str], name: str) -> None:
    statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    for tries_left in range(5, -1, -1):
        try:
            return _on_each(every, statement)
        except psycopg.errors.ObjectInUse:  # Citus connects to it from time to time
            if not tries_left:
                raise
    raise AssertionError


def close(dsn: str, name: str) -> None:
    """Let nobody connect to a database any more, not even Citus itself: it can be copied then."""
    for node in nodes(dsn):
        with psycopg.connect(node, autocommit=True) as connection:
            connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(name)))
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])


def _on_each(every: Sequence[str], statement: sql.Composed) -> None:
    """Execute a statement on all nodes at once."""

    def execute(node: str) -> None:
        with psycopg.connect(node, autocommit=True) as connection:
            connection.add_notice_handler(lambda _: None)
            connection.execute(statement)

    with ThreadPoolExecutor(len(every)) as pool:
        list(pool.map(execute, every))


def _join(every: Sequence[str], name: str) -> None:
    """Make the databases of one name the nodes of one cluster."""
    for node in every:
        with psycopg.connect(make_conninfo(node, dbname=name), autocommit=True) as connection:
            connection.execute("CREATE EXTENSION citus")
    with psycopg.connect(every[0]) as connection:
        found = "SELECT nodename, nodeport, groupid = 0 FROM pg_dist_node ORDER BY groupid"
        members = connection.execute(found).fetchall()
    with psycopg.connect(make_conninfo(every[0], dbname=name), autocommit=True) as connection:
        for host, port, is_coordinator in members:
            how = "citus_set_coordinator_host" if is_coordinator else "citus_add_node"
            connection.execute(sql.SQL("SELECT {}(%s, %s)").format(sql.Identifier(how)), [host, port])
