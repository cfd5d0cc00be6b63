"""Each view is defined once: its table has the columns of its definition, and all statements follow from that."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import psycopg
import pytest
from psycopg import sql

from application.views.projections.catalogue import PROJECTIONS, VIEWS
from application.views.projections.view import ColumnType, Encrypted, Fixed, Json, View
from infrastructure.postgres.arrays import BigIntArray, TextArray, register_arrays, texts
from infrastructure.views.composed import one, present, save, statements
from tests.fix_postgres import database

TYPES = {
    ColumnType.TEXT: "text",
    ColumnType.NUMBER: "bigint",
    ColumnType.TIME: "timestamp with time zone",
    ColumnType.JSON: "json",
}


@pytest.fixture(scope="module")
def shared(server_dsn: str, template_name: str) -> Iterator[psycopg.Connection]:
    with database(server_dsn, template=template_name) as dsn, psycopg.connect(dsn) as connection:
        register_arrays(connection)
        yield connection


@pytest.fixture
def connection(shared: psycopg.Connection) -> Iterator[psycopg.Connection]:
    """A connection, nothing of which is kept."""
    yield shared
    shared.rollback()
    shared.execute("DEALLOCATE ALL")


def columns_of(connection: psycopg.Connection, table: str) -> list[tuple[str, str, bool]]:
    """Return a table's columns, but for the tenant: their names, their types, and whether they must have a value."""
    found = connection.execute(
        """
        SELECT attname::text, format_type(atttypid, NULL), attnotnull FROM pg_attribute
        WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attname <> 'tenant'
        """,
        [f"ordertrail.{table}"],
    )
    return sorted(found.fetchall())


def key_of(connection: psycopg.Connection, table: str) -> list[str]:
    """Return the columns of a table's primary key."""
    found = connection.execute(
        """
        SELECT a.attname::text
        FROM pg_index AS i CROSS JOIN LATERAL unnest(i.indkey::int[]) WITH ORDINALITY AS k (number, n)
        JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.number
        WHERE i.indrelid = %s::regclass AND i.indisprimary AND k.n <= i.indnkeyatts
        ORDER BY k.n
        """,
        [f"ordertrail.{table}"],
    )
    return [name for (name,) in found.fetchall()]


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_a_view_has_the_columns_and_the_key_of_its_definition(connection: psycopg.Connection, view: View[Any]) -> None:
    defined = [(column.name, TYPES[column.type], column.is_required) for column in view.columns]

    assert columns_of(connection, view.name) == sorted(defined)
    assert key_of(connection, view.name) == ["tenant", *view.key]


def test_every_projection_has_a_view() -> None:
    assert [projection.name for projection in PROJECTIONS] == [view.name for view in VIEWS]


@pytest.mark.parametrize("name", statements())
def test_every_composed_statement_is_one_that_postgresql_understands_and_is_about_one_tenant(
    connection: psycopg.Connection, name: str
) -> None:
    statement = statements()[name]
    if "pg_temp" in statement:
        table = sql.Identifier(name.partition(".")[0])
        connection.execute(sql.SQL("CREATE TEMPORARY TABLE {0} (LIKE ordertrail.{0})").format(table))

    assert "%(tenant)s" in statement
    names = dict.fromkeys(word.partition(")")[0] for word in statement.split("%(")[1:])
    arrays = {
        each: f"{TYPES[column.type].replace('json', 'text')}[]"
        for view in VIEWS
        for column in view.columns
        for each in (f"{view.name}_{column.name}", *([column.name] if view.name == name.partition(".")[0] else []))
    }
    signature = [arrays[each] if "unnest(" in statement and each in arrays else "unknown" for each in names]
    for number, each in enumerate(names, 1):
        statement = statement.replace(f"%({each})s", f"${number}")
    connection.execute(f"PREPARE tried ({', '.join(signature)}) AS {statement}".encode())


class Noted(NamedTuple):
    """A made-up row of everything that a column can be."""

    thing: int
    first: Fixed[int]
    said: Json
    note: Encrypted[str | None]


NOTED = View("noted", Noted, key=("thing",))


def test_a_view_is_saved_and_read_by_its_definition_alone(connection: psycopg.Connection) -> None:
    connection.execute("""
        CREATE TABLE ordertrail.noted (
            tenant text, thing bigint, first bigint, said json, note text, PRIMARY KEY (tenant, thing)
        )
    """)
    rows = {"thing": BigIntArray([1, 2]), "first": BigIntArray([7, 8]), "said": TextArray([b'{"a": 1}', b"[]"])}
    again = {"thing": BigIntArray([1]), "first": BigIntArray([9]), "said": TextArray([b"{}"])}

    connection.execute(save(NOTED), {"tenant": "acme", **rows, "note": texts([None, "x"])})
    connection.execute(save(NOTED), {"tenant": "acme", **again, "note": texts(["y"])})

    found = connection.execute(present(NOTED), {"tenant": "acme", "ids": ["1", "2"]}).fetchall()
    assert sorted(Noted(*row) for row in found) == [Noted(1, 7, b"{}", "y"), Noted(2, 8, b"[]", "x")]
    assert connection.execute(one(NOTED), {"tenant": "globex", "thing": 1}).fetchall() == []
