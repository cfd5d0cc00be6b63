"""The runtime role may do what the service does and nothing else: each verb is tried on each table and column."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple

import psycopg
import pytest
from psycopg import sql
from psycopg.errors import InsufficientPrivilege

from infrastructure.postgres.session import runtime_dsn
from infrastructure.setup.migrations import migrate
from tests.fix_postgres import database

Connection = psycopg.Connection[tuple[Any, ...]]

MATRIX = """
action_log       select  insert *                                 -
checkpoints      select  insert tenant,projection,position,must_be_rebuilt,updated_at  update position,error,must_be_rebuilt,updated_at
bodies         select  insert tenant,digest,subject,body,recorded_at  update recorded_at
consumer_members    select  insert *  update *
consumer_partitions select  insert *  update *
consumers           select  insert *  update *
credentials      select  -                                        -
deleted_tenants  -       -                                        -
editions         select  -                                        -
events           select  -                                        -
installation     select  -                                        -
held_streams     select  insert *                                 update *
integration_log  select  insert *                                 -
integrations     select  insert *  update version,updated_at,shop_name,shop_url,details,started_failing_at
ledgers          select  -                                        -
order_state      select  insert *  update updated_at,reference,state,status,payment_status,delivery_status,search,detail,customer_from
refused_lines    select  insert tenant,load_id,line,refusal,refused_at  -
requests         select  -                                        -
retention        select  insert tenant,keep,expired               update keep,expired
service_events   select  insert *                                 -
signing_keys     select  -                                        -
snapshots        select  insert *                                 -
spent_tokens     select  insert tenant,digest,spent_at            -
subject_keys     select  insert tenant,subject,wrapped,created_at  -
system_log       select  insert *                                 -
tenants          select  -                                        -
tiles            select  insert *                                 update hashes
timeline         select  insert *                                 -
tree_heads       select  insert tenant,size,note,sealed_at        -
trees            select  insert tenant,size                       update size,error
webhook_attempts select  insert *                                 -
webhooks         select  insert *                                 update *
_yoyo_log        -       -                                        -
_yoyo_migration  select  -                                        -
_yoyo_version    -       -                                        -
"""  # noqa: E501 a row is a line
"""What the role may do with each table and which of its columns. It may truncate, own or refer to none."""

WORK = {
    "consumer_members",
    "consumer_partitions",
    "consumers",
    "held_streams",
    "refused_lines",
    "webhooks",
    "webhook_attempts",
}
"""Tables that are no history: rows of these may be deleted, and so the tables may be locked, and of no others."""

FUNCTIONS = {
    "append": False,  # append_group calls it
    "append_alone": True,
    "append_group": True,
    "begin_append": False,  # the append functions call it
    "bind_request": True,
    "delete_body": True,
    "destroy_subject_key": True,
    "expire_requests": True,
    "hold_ledger": False,  # the append functions call it
    "leaf_hash": True,
    "node_of": True,
    "note_unreadable_keys": True,
    "refusal_of": False,  # the append functions call it
    "partition_of": True,
    "create_ending_credential": True,
    "revoke_credential": True,
}
"""Which functions the role may call."""


OFFER = "INSERT INTO ordertrail.subject_keys (tenant, subject, wrapped) VALUES ('acme', 'order-1', 'key')"


class Row(NamedTuple):
    """What the role may do with a table: the columns of each verb, * for all of them."""

    select: str
    insert: str
    update: str


def matrix() -> dict[str, Row]:
    rows = {}
    for line in MATRIX.strip().splitlines():
        table, *words = line.split()
        allowed = {"select": "", "insert": "", "update": ""}
        for verb, columns in zip(words, [*words[1:], ""], strict=True):
            if verb in allowed:
                allowed[verb] = "*" if verb == "select" else columns
        rows[table] = Row(**allowed)
    return rows


@pytest.fixture(scope="module", params=["server_dsn", "postgres15_server_dsn"], ids=["embedded", "postgres15"])
def migrated_dsn(request: pytest.FixtureRequest) -> Iterator[str]:
    with database(request.getfixturevalue(request.param)) as dsn:
        migrate(dsn)
        yield dsn


@pytest.fixture
def runtime(migrated_dsn: str) -> Iterator[Connection]:
    """A connection with the rights of the service, nothing of which is kept."""
    with psycopg.connect(runtime_dsn(migrated_dsn)) as connection:
        yield connection
        connection.rollback()


def may(connection: Connection, statement: str, *names: str) -> bool:
    """Try a statement, and undo it; return whether it was a matter of rights that it failed, if it did."""
    composed = sql.SQL(statement).format(*map(sql.Identifier, names))  # type: ignore[arg-type]
    with connection.transaction(force_rollback=True):
        try:
            with connection.transaction():
                connection.execute(composed)
        except InsufficientPrivilege:
            return False
        except psycopg.Error:
            return True  # such as a column that must not be NULL: by then it was allowed
        return True


def tables_of(connection: Connection) -> dict[str, list[str]]:
    """Return the columns of all tables in our schema, whatever we may do with them."""
    found = connection.execute("""
        SELECT c.relname::text, array_agg(a.attname::text ORDER BY a.attnum)
        FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE c.relnamespace = 'ordertrail'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
        GROUP BY c.relname
    """)
    return dict(found.fetchall())


def test_every_table_is_in_the_matrix(runtime: Connection) -> None:
    assert sorted(tables_of(runtime)) == sorted(matrix())


@pytest.mark.parametrize("table", matrix())
def test_every_verb_is_tried_on_every_table(runtime: Connection, table: str) -> None:
    columns = tables_of(runtime)[table]
    expected = [
        set(columns) if allowed == "*" else set(filter(None, allowed.split(","))) for allowed in matrix()[table]
    ]
    tries = {
        "select": "SELECT {1} FROM ordertrail.{0} WHERE false",
        "insert": "INSERT INTO ordertrail.{0} ({1}) VALUES (DEFAULT)",
        "update": "UPDATE ordertrail.{0} SET {1} = DEFAULT WHERE false",
    }

    found = [{column for column in columns if may(runtime, try_, table, column)} for try_ in tries.values()]

    assert dict(zip(tries, found, strict=True)) == dict(zip(tries, expected, strict=True))
    assert may(runtime, "DELETE FROM ordertrail.{} WHERE false", table) == (table in WORK)
    assert may(runtime, "LOCK TABLE ordertrail.{} IN SHARE MODE", table) == (table in WORK)
    assert not may(runtime, "TRUNCATE ordertrail.{}", table)
    assert not may(runtime, "ALTER TABLE ordertrail.{} DISABLE TRIGGER ALL", table)
    assert not may(runtime, "DROP TABLE ordertrail.{}", table)
    more = ["REFERENCES", "TRIGGER", *(["MAINTAIN"] if runtime.info.server_version >= 170_000 else [])]
    held = "SELECT has_table_privilege(%s::regclass, %s), has_table_privilege(%s::regclass, %s)"
    for privilege in (*more, *(() if table in WORK else ("DELETE",)), "TRUNCATE"):
        name, option = f"ordertrail.{table}", f"{privilege} WITH GRANT OPTION"
        assert runtime.execute(held, [name, privilege, name, option]).fetchone() == (False, False), privilege


def test_the_functions_that_may_be_called_are_these(runtime: Connection) -> None:
    found = runtime.execute("""
        SELECT proname::text, has_function_privilege(oid, 'EXECUTE')
        FROM pg_proc WHERE pronamespace = 'ordertrail'::regnamespace
    """)

    assert dict(found.fetchall()) == FUNCTIONS


def test_a_function_with_its_owners_rights_looks_for_names_where_nobody_else_can_put_any(runtime: Connection) -> None:
    found = runtime.execute("""
        SELECT proname::text, proconfig[1]
        FROM pg_proc WHERE pronamespace = 'ordertrail'::regnamespace AND prosecdef
    """)

    safe = "search_path=pg_catalog, pg_temp"
    definers = FUNCTIONS.keys() - {
        "append",
        "begin_append",
        "hold_ledger",
        "leaf_hash",
        "node_of",
        "partition_of",
        "refusal_of",
    }
    assert sorted(found.fetchall()) == [(name, safe) for name in sorted(definers)]


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE ordertrail.mine (n int)",
        "CREATE FUNCTION ordertrail.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE OR REPLACE FUNCTION ordertrail.append() RETURNS void LANGUAGE sql AS 'SELECT'",
        "ALTER FUNCTION ordertrail.append_alone SET search_path = public",
        "DROP SCHEMA ordertrail CASCADE",
        "ALTER SCHEMA ordertrail RENAME TO mine",
        "CREATE ROLE mine",
    ],
)
def test_nothing_is_made_or_changed_besides_rows(runtime: Connection, statement: str) -> None:
    assert not may(runtime, statement)


def test_everybody_else_may_do_nothing(migrated_dsn: str) -> None:
    with psycopg.connect(migrated_dsn) as owner:
        owner.execute("CREATE ROLE anybody")
        owner.execute("SET LOCAL ROLE anybody")

        assert not may(owner, "SELECT FROM ordertrail.events")
        assert not may(owner, "SELECT ordertrail.delete_body('acme', '', NULL)")
        owner.rollback()


def test_a_table_or_a_function_that_is_added_gives_nothing_until_it_is_named(migrated_dsn: str) -> None:
    with psycopg.connect(migrated_dsn) as owner:
        owner.execute("CREATE TABLE ordertrail.later (n int)")
        owner.execute("CREATE FUNCTION ordertrail.later() RETURNS int LANGUAGE sql AS 'SELECT 1'")
        owner.commit()
        try:
            migrate(migrated_dsn)
            with psycopg.connect(runtime_dsn(migrated_dsn)) as runtime:
                for verb in ("SELECT FROM ordertrail.later", "INSERT INTO ordertrail.later VALUES (1)"):
                    assert not may(runtime, verb)
                assert not may(runtime, "SELECT ordertrail.later()")
        finally:
            owner.execute("DROP TABLE ordertrail.later")
            owner.execute("DROP FUNCTION ordertrail.later()")


def test_a_subjects_key_can_be_destroyed_and_never_be_replaced(runtime: Connection) -> None:
    keys = "SELECT wrapped, destroyed_by FROM ordertrail.subject_keys WHERE subject = 'order-1'"
    runtime.execute(OFFER)

    for replace in (
        "UPDATE ordertrail.subject_keys SET wrapped = 'other'",
        "UPDATE ordertrail.subject_keys SET wrapped = NULL, destroyed_at = now(), destroyed_by = 'me'",
        f"{OFFER} ON CONFLICT (tenant, subject) DO UPDATE SET wrapped = excluded.wrapped",
        "MERGE INTO ordertrail.subject_keys USING (VALUES (1)) AS v (n) ON true WHEN MATCHED THEN DELETE",
        "DELETE FROM ordertrail.subject_keys",
    ):
        assert not may(runtime, replace), replace
    assert runtime.execute(keys).fetchall() == [(b"key", None)]

    for by in ("first", "second"):
        runtime.execute("SELECT ordertrail.destroy_subject_key('acme', 'order-1', %s)", [by])
    assert runtime.execute(keys).fetchall() == [(None, "first")]
    with suppress(psycopg.Error), runtime.transaction():
        runtime.execute(OFFER)
    assert runtime.execute(keys).fetchall() == [(None, "first")]


def test_who_may_add_rows_may_add_the_defaults_of_columns_as_a_cluster_does(runtime: Connection) -> None:
    found = runtime.execute("""
        SELECT a.attrelid::regclass::text || '.' || a.attname
        FROM pg_attribute AS a
        WHERE a.attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'ordertrail'::regnamespace AND relkind = 'r')
          AND a.atthasdef AND has_any_column_privilege(a.attrelid, 'INSERT')
          AND NOT has_column_privilege(a.attrelid, a.attnum, 'INSERT')
    """)

    assert found.fetchall() == []
