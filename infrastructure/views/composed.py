"""The statements that are alike for all views, composed from the views' definitions.

A statement that only one view has stands in queries.sql or views.sql. The page of orders is a mixture: queries.sql says
which orders are on it, and the statement here reads their columns.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from psycopg import sql

from application.views.projections.action_log import ACTION_LOG_VIEW
from application.views.projections.catalogue import VIEWS
from application.views.projections.integrations import INTEGRATIONS_VIEW
from application.views.projections.order_state import ORDER_STATE_VIEW
from application.views.projections.service_events import SERVICE_EVENTS_VIEW
from application.views.projections.view import ColumnType, View
from infrastructure.postgres.bounded_rows import RowShape
from infrastructure.postgres.statements import statements as named
from infrastructure.views.columns import (
    COMMA,
    LIVE,
    TENANT,
    bounded,
    from_array,
    json_of,
    names_of,
    of_row,
    of_tenant,
    ordered,
    table_of,
    whole,
)
from infrastructure.views.comparison import compared


class _List(NamedTuple):
    """How a view's rows are listed: those with these values, in the order of these columns.

    With page, that statement of queries.sql chooses the rows.
    """

    order: Sequence[tuple[str, str]]
    of: Sequence[str] = ()
    page: str | None = None


_LISTS: Mapping[str, _List] = {
    ACTION_LOG_VIEW.name: _List([("occurred_at", "DESC"), ("position", "DESC")], of=["order_id"]),
    SERVICE_EVENTS_VIEW.name: _List([("position", "DESC")], of=["order_id"]),
    ORDER_STATE_VIEW.name: _List([("first_position", "DESC")], page="orders"),
    INTEGRATIONS_VIEW.name: _List([("integration_id", "ASC")]),
}


@cache
def save(view: View[Any], schema: str = LIVE) -> bytes:
    """Return the statement that adds rows or, to a view with a row for a thing, also replaces them.

    It takes an array for each column.
    """
    return _save(view, schema).as_bytes(None)


@cache
def save_together(views: tuple[View[Any], ...]) -> bytes:
    """Return the statement that saves rows of these views and moves checkpoints, if all of them are at one position.

    It takes an array for each column, named after its view too. It changes as many rows as there are checkpoints, or
    none if somebody else holds one or has moved one.
    """
    return _save_together(views).as_bytes(None)


@cache
def present(view: View[Any], schema: str = LIVE) -> bytes:
    """Return the statement that reads the rows with some keys (ids, as texts) of a view whose key is one column."""
    return _present(view, schema).as_bytes(None)


@cache
def one(view: View[Any]) -> bytes:
    """Return the statement that reads the row with a key."""
    return _one(view).as_bytes(None)


@cache
def listed(view: View[Any]) -> tuple[bytes, RowShape]:
    """Return the statement that reads a list of rows, and their shape. They are bounded (bounded_rows.py)."""
    assert view.json is not None
    column = view.index(view.json.name)
    shape = RowShape(slice(column, column + 1), key=view.index(view.key[-1]), statement=_large(view).as_bytes(None))
    return _listed(view).as_bytes(None), shape


@cache
def new_rows(view: View[Any]) -> tuple[bytes, RowShape]:
    """Return the statement that reads the rows of some things from some positions on, and the rows' shape. Before each
    row stands the number of the thing among those that were asked for, from 1.
    """
    return _new_rows(view).as_bytes(None), listed(view)[1]


@cache
def statements() -> Mapping[str, str]:
    """Return the text of every statement that is composed from a definition, by a name such as action_log.save.

    They have the placeholders of the statements in the .sql files. So a test that holds those to a rule can hold these
    to it too.
    """
    of_views = {f"{view.name}.{name}": composed.as_string(None) for view in VIEWS for name, composed in _all_of(view)}
    return {**of_views, "all.save": _save_together(VIEWS).as_string(None)}


def _all_of(view: View[Any]) -> Iterator[tuple[str, sql.Composed]]:
    yield "save", _save(view, LIVE)
    if len(view.key) == 1:
        yield "present", _present(view, LIVE)
        yield "one", _one(view)
    if view.name in _LISTS:
        yield "list", _listed(view)
        yield "large", _large(view)
    if view is ACTION_LOG_VIEW:
        yield "new", _new_rows(view)
    yield from compared(view)


def _save(view: View[Any], schema: str) -> sql.Composed:
    names = [column.name for column in view.columns]
    return sql.SQL("""
        INSERT INTO {table} AS new (tenant, {names})
        SELECT {tenant}, {values}
        {replace}
    """).format(
        table=table_of(view, schema),
        names=names_of(names),
        tenant=TENANT,
        values=COMMA.join(from_array(column, column.name) for column in view.columns),
        replace=sql.SQL("") if view.is_log else _replacing(view),
    )


def _save_together(views: Sequence[View[Any]]) -> sql.Composed:
    return sql.SQL("""
        WITH held AS (
            SELECT c.projection FROM ordertrail.checkpoints AS c
            WHERE c.tenant = {tenant} AND c.projection = ANY ({projections}) AND c.position = {after}
              AND c.error IS NULL AND NOT c.must_be_rebuilt
            FOR UPDATE SKIP LOCKED
        ), mine AS (
            SELECT true AS is_mine FROM held HAVING count(*) = cardinality({projections})
        ){saved}
        UPDATE ordertrail.checkpoints AS c SET position = {upto}, updated_at = now() FROM mine
        WHERE c.tenant = {tenant} AND c.projection = ANY ({projections})
    """).format(
        tenant=TENANT,
        projections=sql.Placeholder("projections"),
        after=sql.Placeholder("after"),
        upto=sql.Placeholder("upto"),
        saved=sql.SQL("").join(map(_saved, views)),
    )


def _saved(view: View[Any]) -> sql.Composed:
    """Return the part that saves one view's rows, if the checkpoints are ours."""
    names = [column.name for column in view.columns]
    return sql.SQL("""
        , {saved} AS (
            INSERT INTO {table} AS new (tenant, {names})
            SELECT {tenant}, {values} FROM mine
            {replace}
        )""").format(
        saved=sql.Identifier(f"saved_{view.name}"),
        table=table_of(view, LIVE),
        names=names_of(names),
        tenant=TENANT,
        values=COMMA.join(from_array(column, f"{view.name}_{column.name}") for column in view.columns),
        replace=sql.SQL("") if view.is_log else _replacing(view),
    )


def _replacing(view: View[Any]) -> sql.Composed:
    changes = COMMA.join(sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in view.changing)
    return sql.SQL("ON CONFLICT (tenant, {}) DO UPDATE SET {}").format(names_of(view.key), changes)


def _present(view: View[Any], schema: str) -> sql.Composed:
    [key] = view.key
    is_number = view.columns[view.index(key)].type is ColumnType.NUMBER
    return sql.SQL("SELECT {columns} FROM {table} AS r WHERE {of_tenant} AND {key} = ANY ({ids})").format(
        columns=whole(view),
        table=table_of(view, schema),
        of_tenant=of_tenant(),
        key=of_row(key),
        ids=sql.SQL("{}::text[]::bigint[]" if is_number else "{}::text[]").format(sql.Placeholder("ids")),
    )


def _one(view: View[Any]) -> sql.Composed:
    return sql.SQL("SELECT {columns} FROM {table} AS r WHERE {row}").format(
        columns=whole(view), table=table_of(view), row=of_tenant(view.key)
    )


def _listed(view: View[Any]) -> sql.Composed:
    order, of, page = _LISTS[view.name]
    rows: sql.Composable = table_of(view)
    end = sql.SQL("LIMIT {}").format(sql.Placeholder("limit"))
    if page is not None:
        rows, end = sql.SQL("({})").format(_named(page)), sql.SQL("").format()
    return sql.SQL("SELECT {columns} FROM {rows} AS r WHERE {of_tenant} ORDER BY {order} {end}").format(
        columns=bounded(view), rows=rows, of_tenant=of_tenant(of), order=ordered(order), end=end
    )


def _new_rows(view: View[Any]) -> sql.Composed:
    thing, position = view.key
    return sql.SQL("""
        SELECT asked.n, {columns}
        FROM unnest(%(order_ids)s::text[], %(positions)s::bigint[]) WITH ORDINALITY AS asked (id, position, n)
        CROSS JOIN LATERAL (
            SELECT * FROM {table} AS l
            WHERE l.tenant = {tenant} AND l.{thing} = asked.id AND l.{position} >= asked.position
            ORDER BY l.{position} LIMIT {limit}
        ) AS r
    """).format(
        columns=bounded(view),
        table=table_of(view),
        tenant=TENANT,
        thing=sql.Identifier(thing),
        position=sql.Identifier(position),
        limit=sql.Placeholder("limit"),
    )


def _large(view: View[Any]) -> sql.Composed:
    """Return the statement that reads the JSON of some rows, by the last part of their keys."""
    *before, key = view.key
    return sql.SQL("SELECT {key}, {json} FROM {table} AS r WHERE {rows} AND {key} = ANY ({keys})").format(
        key=of_row(key),
        json=json_of(view),
        table=table_of(view),
        rows=of_tenant(before),
        keys=sql.Placeholder("keys"),
    )


def _named(page: str) -> sql.SQL:
    """Return a statement of queries.sql as a part of another."""
    return sql.SQL(named("queries")[page].decode())
