"""The runtime role's rights on the views, composed from the views' definitions."""

from collections.abc import Iterator

from psycopg import sql

from application.views.projections.catalogue import VIEWS
from infrastructure.postgres.session import RUNTIME_ROLE

_ROLE = sql.Identifier(RUNTIME_ROLE)


def view_rights() -> Iterator[bytes]:
    """Yield the statements that grant them.

    Logs get rows. States change, but for their fixed columns. Only a rebuild removes rows from views, and it has the
    owner's rights.
    """
    for view in VIEWS:
        table = sql.Identifier("ordertrail", view.name)
        yield sql.SQL("GRANT SELECT, INSERT ON {} TO {};").format(table, _ROLE).as_bytes(None)
        if not view.is_log:
            columns = sql.SQL(", ").join(map(sql.Identifier, view.changing))
            yield sql.SQL("GRANT UPDATE ({}) ON {} TO {};").format(columns, table, _ROLE).as_bytes(None)
