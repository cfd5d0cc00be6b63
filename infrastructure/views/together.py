"""The views of many tenants at a time on PostgreSQL, as the projector reads and stores them."""

from collections.abc import Mapping, Sequence
from typing import Any

from application.views.projections.catalogue import VIEWS
from application.views.projections.view import View
from application.views.upkeep.joint_projecting import NewRows, NextEvents
from domain.values import TenantName
from infrastructure.postgres.arrays import Array, texts
from infrastructure.postgres.bounded_rows import MAX_INLINE
from infrastructure.postgres.database import Pool, reading
from infrastructure.postgres.pipelines import Rows, read_each, write_each
from infrastructure.postgres.rows import recorded_event
from infrastructure.postgres.statements import statements
from infrastructure.views.composed import save_together
from infrastructure.views.write import arrays_of, present_of

_SQL = statements("views")
_DATA = 5
"""Where the data are in an event's row."""


class PostgresJointViews:
    """Implements application.views.upkeep.joint_projecting.JointViews on a pool with the settings TOGETHER.

    Views that lose their last rows in a crash also lose their checkpoints' moves, and read the events again.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def next_events(
        self, tenants: Sequence[TenantName], projections: Sequence[str], *, limit: int
    ) -> list[NextEvents]:
        self._pool.nodes.require_all()
        of_all = {"projections": texts(projections), "limit": limit, "inline": MAX_INLINE}
        async with reading(self._pool) as connection:
            found = await read_each(connection, _SQL["next_events"], [{"tenant": t, **of_all} for t in tenants])
        return [
            _next_events(tenant, rows) for tenant, rows in zip(tenants, found, strict=True) if _are_few(rows, limit)
        ]

    async def present(self, view: str, ids: Mapping[TenantName, Sequence[str]]) -> dict[TenantName, dict[str, Any]]:
        row_of, statement = present_of(view)
        wanted = [{"tenant": tenant, "ids": texts(its)} for tenant, its in ids.items()]
        async with reading(self._pool) as connection:
            found = await read_each(connection, statement, wanted)
        return {tenant: {str(row[0]): row_of(*row) for row in rows} for tenant, rows in zip(ids, found, strict=True)}

    async def store(self, batches: Sequence[NewRows], projections: Sequence[str]) -> dict[TenantName, Exception | None]:
        of_all = {"projections": texts(projections)}
        writes = []
        for tenant, after, upto, rows in batches:
            changed = tuple(view for view in VIEWS if rows.get(view.name))
            parameters: dict[str, Any] = {"tenant": tenant, "after": after, "upto": upto, **of_all}
            for view in changed:
                parameters |= _named(view, arrays_of(view, rows[view.name]))
            writes.append((save_together(changed), parameters))
        async with reading(self._pool) as connection:
            results = await write_each(connection, writes)
        return {
            batch.tenant: result if isinstance(result, Exception) else None
            for batch, result in zip(batches, results, strict=True)
            if result
        }


def _named(view: View[Any], arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Return the arrays of a view's columns by the names that they have beside those of other views."""
    return {f"{view.name}_{name}": array for name, array in arrays.items()}


def _are_few(rows: Rows, limit: int) -> bool:
    """Whether these are all events that there are, and none of them is large."""
    is_none = len(rows) == 1 and rows[0][1] is None
    return is_none or (0 < len(rows) < limit and all(row[1 + _DATA] is not None for row in rows))


def _next_events(tenant: TenantName, rows: Rows) -> NextEvents:
    return NextEvents(tenant, rows[0][0], [recorded_event(row[1:]) for row in rows if row[1] is not None])
