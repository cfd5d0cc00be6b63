"""The ledger is append-only in the database too: PostgreSQL itself refuses to change what was recorded."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from infrastructure.postgres.session import runtime_dsn
from infrastructure.setup.migrations import migrate
from tests.fix_postgres import database

Connection = psycopg.Connection[tuple[Any, ...]]

APPEND = """
    SELECT outcome, last_position FROM ordertrail.append_group(
        'acme', ARRAY['key-1'], ARRAY['\\x00'::bytea], ARRAY[1], ARRAY['order-1'], ARRAY[-2], ARRAY[1], ARRAY[0],
        ARRAY[0], ARRAY[1], ARRAY['order-1'], ARRAY[%s], ARRAY['order.created'], ARRAY['{}'::bytea], ARRAY['{}'::bytea],
        ARRAY[now()]
    )
"""


@pytest.fixture
def runtime(any_server_dsn: str) -> Iterator[Connection]:
    """A connection as the service has it, to a ledger with one event, on each of the servers in turn."""
    with database(any_server_dsn) as dsn:
        migrate(dsn)
        with psycopg.connect(dsn) as owner:
            owner.execute("INSERT INTO ordertrail.tenants (tenant) VALUES ('acme')")
            owner.execute("INSERT INTO ordertrail.ledgers (tenant) VALUES ('acme')")
        with psycopg.connect(runtime_dsn(dsn), autocommit=True) as connection:
            assert connection.execute(APPEND, ["event-1"]).fetchall() == [("appended", 1)]
            yield connection


def test_the_service_appends_and_reads(runtime: Connection) -> None:
    assert runtime.execute("SELECT position, event_id FROM ordertrail.events").fetchall() == [(1, "event-1")]
    assert runtime.execute(APPEND, ["event-1"]).fetchall() == [("replayed", 1)]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ordertrail.events SET data = '{}'",
        "UPDATE ordertrail.events SET position = position",
        "INSERT INTO ordertrail.events SELECT * FROM ordertrail.events",
        "UPDATE ordertrail.ledgers SET position = 9",
        "DELETE FROM ordertrail.ledgers",
        "INSERT INTO ordertrail.requests SELECT * FROM ordertrail.requests",
        "DELETE FROM ordertrail.events",
        "TRUNCATE ordertrail.events",
        "TRUNCATE ordertrail.events CASCADE",
        "DROP TABLE ordertrail.events",
        "ALTER TABLE ordertrail.events DISABLE TRIGGER ALL",
        "UPDATE ordertrail.requests SET fingerprint = '{}'",
        "DELETE FROM ordertrail.requests",
        "TRUNCATE ordertrail.requests",
        "DELETE FROM ordertrail._yoyo_migration",
        "GRANT UPDATE ON ordertrail.events TO ordertrail_runtime",
    ],
)
def test_the_service_cannot_change_what_was_recorded(runtime: Connection, statement: str) -> None:
    before = runtime.execute("SELECT * FROM ordertrail.events").fetchall()

    # A grant one has no right to make is a warning to PostgreSQL, not an error, if one has any right on the table.
    if statement.startswith("GRANT"):
        runtime.execute(statement)
        statement = "UPDATE ordertrail.events SET data = '{}'"
    with pytest.raises(InsufficientPrivilege):
        runtime.execute(statement)

    assert runtime.execute("SELECT * FROM ordertrail.events").fetchall() == before


def test_a_merge_or_an_upsert_is_no_way_around(runtime: Connection) -> None:
    upsert = """
        INSERT INTO ordertrail.events SELECT * FROM ordertrail.events
        ON CONFLICT (tenant, position) DO UPDATE SET data = '{}'
    """

    with pytest.raises(InsufficientPrivilege):
        runtime.execute(upsert)
