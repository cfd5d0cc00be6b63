"""The ledger is append-only in the database too: PostgreSQL itself refuses to change what was recorded."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from infrastructure.migrations import migrate
from infrastructure.session import runtime_dsn
from tests.fix_postgres import database

Connection = psycopg.Connection[tuple[Any, ...]]

APPEND = """
    SELECT outcome, last_position FROM ordertrail.append(
        'acme', ARRAY['key-1'], ARRAY['\\x00'::bytea], ARRAY['order-1'], ARRAY[1], ARRAY[1], ARRAY[-2], ARRAY[1],
        ARRAY[1], ARRAY[%s], ARRAY['order.created'], ARRAY['{}'::bytea], ARRAY['{}'::bytea], ARRAY[now()]
    )
"""


@pytest.fixture
def runtime(any_server_dsn: str) -> Iterator[Connection]:
    """A connection as the service has it, to a ledger with one event, on each of the servers in turn."""
    with database(any_server_dsn) as dsn:
        migrate(dsn)
        with psycopg.connect(runtime_dsn(dsn), autocommit=True) as connection:
            connection.execute("INSERT INTO ordertrail.tenants (tenant) VALUES ('acme')")
            connection.execute("INSERT INTO ordertrail.ledgers (tenant) VALUES ('acme')")
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


def test_no_table_can_be_truncated_by_the_service(runtime: Connection) -> None:
    tables = """
        SELECT c.relname FROM pg_class AS c
        WHERE c.relnamespace = 'ordertrail'::regnamespace AND c.relkind IN ('r', 'p')
        AND has_table_privilege(c.oid, 'TRUNCATE, REFERENCES, TRIGGER')
    """

    assert runtime.execute(tables).fetchall() == []


def test_the_service_may_do_everything_with_rows_of_the_other_tables_and_of_later_ones(dsn: str) -> None:
    with psycopg.connect(dsn) as owner:
        owner.execute("CREATE TABLE ordertrail.later_view (tenant text)")
        owner.execute("CREATE FUNCTION ordertrail.later() RETURNS int LANGUAGE sql AS 'SELECT 1'")
    with psycopg.connect(runtime_dsn(dsn)) as service:
        restricted = service.execute("""
            SELECT c.relname FROM pg_class AS c
            WHERE c.relnamespace = 'ordertrail'::regnamespace AND c.relkind IN ('r', 'p') AND NOT (
                has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT')
                AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE')
            )
            ORDER BY c.relname COLLATE "C"
        """)

        own_records = ["_yoyo_log", "_yoyo_migration", "_yoyo_version"]
        history = ["events", "requests", "retention", "signing_keys", "subject_keys", "tree_heads"]
        assert [row[0] for row in restricted] == [*own_records, *history]
        assert service.execute("SELECT ordertrail.later()").fetchone() == (1,)
