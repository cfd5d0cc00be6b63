"""Pieces of statements about a view, composed from its definition."""

from collections.abc import Sequence
from typing import Any

from psycopg import sql

from application.views.projections.view import Column, ColumnType, View

LIVE = "ordertrail"
"""The schema of the views that are read."""
BESIDE = "pg_temp"
"""The schema of the tables in which views are rebuilt."""

TENANT = sql.Placeholder("tenant")
COMMA = sql.SQL(", ")
AND = sql.SQL(" AND ")
_DIRECTIONS = {"ASC": sql.SQL("ASC"), "DESC": sql.SQL("DESC")}


def table_of(view: View[Any], schema: str = LIVE) -> sql.Identifier:
    """Return a view's table."""
    return sql.Identifier(schema, view.name)


def names_of(names: Sequence[str]) -> sql.Composed:
    """Return names of columns, as a list."""
    return COMMA.join(map(sql.Identifier, names))


def of_row(name: str) -> sql.Identifier:
    """Return a column of the row r."""
    return sql.Identifier("r", name)


def of_tenant(names: Sequence[str] = ()) -> sql.Composed:
    """Return the condition that r is the tenant's, and that these columns have the parameters of their names."""
    equal = [sql.SQL("{} = {}").format(of_row(name), sql.Placeholder(name)) for name in ("tenant", *names)]
    return AND.join(equal)


def ordered(columns: Sequence[tuple[str, str]]) -> sql.Composed:
    """Return these columns of r with their directions."""
    return COMMA.join(sql.SQL("{} {}").format(of_row(name), _DIRECTIONS[way]) for name, way in columns)


def from_array(column: Column, array: str) -> sql.Composed:
    """Return a column of rows that are given as arrays, of which this parameter is the column's.

    In FROM, unnest would store all rows away before the first of them is used.
    """
    of_type = sql.SQL("unnest({})::json" if column.type is ColumnType.JSON else "unnest({})")
    return of_type.format(sql.Placeholder(array))


def _read(column: Column) -> sql.Composable:
    """Return a column of r as it is read: of JSON, its bytes."""
    if column.type is ColumnType.JSON:
        return sql.SQL("convert_to({}::text, 'UTF8')").format(of_row(column.name))
    return of_row(column.name)


def whole(view: View[Any]) -> sql.Composed:
    """Return all columns of r."""
    return COMMA.join(map(_read, view.columns))


def json_of(view: View[Any]) -> sql.Composable:
    """Return the JSON of r."""
    assert view.json is not None
    return _read(view.json)


def bounded(view: View[Any]) -> sql.Composed:
    """Return all columns of r without JSON that is larger than inline, and then the row's size (bounded_rows.py)."""
    assert view.json is not None
    size = _size_of_json(view)
    small = sql.SQL(
        "CASE WHEN pg_column_compression({json}) IS NULL AND pg_column_size({json}) <= {inline} THEN {whole} END"
    ).format(json=of_row(view.json.name), inline=sql.Placeholder("inline"), whole=_read(view.json))
    return COMMA.join([*(small if column is view.json else _read(column) for column in view.columns), size])


def _size_of_json(view: View[Any]) -> sql.Composed:
    """Return how many bytes the JSON of r has, as a column.

    PostgreSQL knows the length of uncompressed JSON without fetching it. In a log, compressed JSON is about as long as
    the data of its event, of which it is a copy; and the length of bytea is known too.
    """
    assert view.json is not None
    json = of_row(view.json.name)
    compressed = sql.SQL("octet_length({}::text)").format(json)
    if view.is_log:
        compressed = sql.SQL(
            "(SELECT octet_length(e.data) FROM ordertrail.events AS e"
            " WHERE e.tenant = {tenant} AND e.position = r.position)"
        ).format(tenant=TENANT)
    return sql.SQL(
        "CASE WHEN {json} IS NULL THEN 0 WHEN pg_column_compression({json}) IS NULL THEN pg_column_size({json})"
        " ELSE {compressed} END AS size"
    ).format(json=json, compressed=compressed)


def as_object(view: View[Any], side: str) -> sql.Composed:
    """Return a row as a JSON object."""
    members = COMMA.join(
        sql.SQL("{}, {}").format(sql.Literal(column.name), sql.Identifier(side, column.name)) for column in view.columns
    )
    return sql.SQL("json_build_object({})").format(members)
