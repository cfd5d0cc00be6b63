"""The statements that compare a live view with a rebuilt one, or make it equal to that one.

None of them needs both tables: on a cluster, the live one is on another node than the rebuilt one. So the rows of each
are told by their keys and digests, and what differs is read, removed and added by its keys.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from psycopg import sql

from application.views.projections.view import ColumnType, View
from infrastructure.views.columns import BESIDE, COMMA, LIVE, TENANT, as_object, names_of, of_row, table_of, whole


class OfTable(NamedTuple):
    """The statements about a live view or a rebuilt one: each row's key and digest, in the order of the keys; the rows
    with these keys as objects of JSON, with their keys; and the same rows as they are.
    """

    digests: bytes
    objects: bytes
    rows: bytes


@cache
def of_table(view: View[Any], schema: str) -> OfTable:
    """Return the statements about the rows of a view in a schema."""
    return OfTable(**{name: statement.as_bytes(None) for name, statement in _of_table(view, schema)})


@cache
def removal(view: View[Any]) -> bytes:
    """Return the statement that removes the rows with these keys from a live view. It takes an array for each column
    of the key.
    """
    return _removal(view).as_bytes(None)


def compared(view: View[Any]) -> Iterator[tuple[str, sql.Composed]]:
    """Yield the names of the statements about a view, and the statements."""
    yield from _of_table(view, LIVE)
    yield from ((f"{name}_beside", statement) for name, statement in _of_table(view, BESIDE))
    yield "removal", _removal(view)


def _of_table(view: View[Any], schema: str) -> Iterator[tuple[str, sql.Composed]]:
    of_view = {
        "table": table_of(view, schema),
        "tenant": TENANT,
        "key": COMMA.join(map(of_row, view.key)),
        "keys": _keys(view),
        "same_key": _same_key(view),
    }
    # JSON can only be compared as text.
    texts = COMMA.join(
        sql.SQL("{}::text" if column.type is ColumnType.JSON else "{}").format(of_row(column.name))
        for column in view.columns
    )
    yield (
        "digests",
        sql.SQL("""
            SELECT {key}, sha256(convert_to(ROW({texts})::text, 'UTF8'))
            FROM {table} AS r WHERE r.tenant = {tenant} ORDER BY {key}
        """).format(texts=texts, **of_view),
    )
    for name, columns in (
        ("objects", sql.SQL("{}, {}").format(of_view["key"], as_object(view, "r"))),
        ("rows", whole(view)),
    ):
        statement = "SELECT {columns} FROM {table} AS r JOIN {keys} ON {same_key} WHERE r.tenant = {tenant}"
        yield name, sql.SQL(statement).format(columns=columns, **of_view)


def _removal(view: View[Any]) -> sql.Composed:
    return sql.SQL("DELETE FROM {table} AS r USING {keys} WHERE r.tenant = {tenant} AND {same_key}").format(
        table=table_of(view), keys=_keys(view), tenant=TENANT, same_key=_same_key(view)
    )


def _keys(view: View[Any]) -> sql.Composed:
    """Return the keys that are asked for, as rows k."""
    arrays = COMMA.join(map(sql.Placeholder, view.key))
    return sql.SQL("unnest({}) AS k ({})").format(arrays, names_of(view.key))


def _same_key(view: View[Any]) -> sql.Composed:
    return sql.SQL(" AND ").join(sql.SQL("{} = {}").format(of_row(n), sql.Identifier("k", n)) for n in view.key)
