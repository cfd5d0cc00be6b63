"""The statements that compare a live view with a rebuilt one, or make it equal to that one."""

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from psycopg import sql

from application.views.projections.view import View
from infrastructure.views.columns import (
    BESIDE,
    COMMA,
    TENANT,
    as_object,
    differ,
    names_of,
    same_key,
    table_of,
)


class Comparison(NamedTuple):
    """The rows that differ; the removal of live rows that differ; the addition of rows that are missing then."""

    differences: bytes
    remove: bytes
    add: bytes


@cache
def comparison(view: View[Any]) -> Comparison:
    """Return the statements about a view."""
    return Comparison(**{name: statement.as_bytes(None) for name, statement in compared(view)})


def compared(view: View[Any]) -> Iterator[tuple[str, sql.Composed]]:
    """Yield the names of the statements about a view, and the statements."""
    for name, text in (("differences", _DIFFERENCES), ("remove", _REMOVE), ("add", _ADD)):
        columns = [column.name for column in view.columns]
        yield (
            name,
            text.format(
                live=table_of(view),
                side=table_of(view, BESIDE),
                tenant=TENANT,
                columns=names_of(columns),
                rebuilt=COMMA.join(sql.Identifier("side", name) for name in columns),
                key=names_of(view.key),
                same_key=same_key(view, "side", "live"),
                differ=differ(view, "side", "live"),
                live_row=as_object(view, "live"),
                side_row=as_object(view, "side"),
            ),
        )


_DIFFERENCES = sql.SQL("""
SELECT {live_row}, {side_row}
FROM (SELECT * FROM {live} AS v WHERE v.tenant = {tenant}) AS live
FULL JOIN (SELECT * FROM {side} AS v WHERE v.tenant = {tenant}) AS side USING (tenant, {key})
WHERE {differ}
ORDER BY {key}
""")
_REMOVE = sql.SQL("""
DELETE FROM {live} AS live
WHERE live.tenant = {tenant} AND NOT EXISTS (
    SELECT FROM {side} AS side WHERE side.tenant = {tenant} AND {same_key} AND NOT {differ}
)
""")
_ADD = sql.SQL("""
INSERT INTO {live} AS new (tenant, {columns})
SELECT {tenant}, {rebuilt}
FROM {side} AS side
WHERE side.tenant = {tenant} AND NOT EXISTS (
    SELECT FROM {live} AS live WHERE live.tenant = {tenant} AND {same_key}
)
""")
