"""Fresh databases on the benchmark's server."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from api.bootstrap import set_up_database
from api.settings import read_settings
from application.views.projections.catalogue import PROJECTIONS

_numbers = count(1)


@contextmanager
def fresh_database(server: str, *, is_ours: bool) -> Iterator[str]:
    """Yield the DSN of a new database, with our schema or empty, and drop it."""
    name = sql.Identifier(f"bench_{next(_numbers)}")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
        try:
            dsn = make_conninfo(server, dbname=name.as_string().strip('"'))
            if is_ours:
                set_up_database(dsn, read_settings())
            yield dsn
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def library_settings(dsn: str) -> dict[str, str]:
    """Return what makes an application of the eventsourcing library use a database by that library's own recorders."""
    parameters = conninfo_to_dict(dsn)
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": str(parameters["dbname"]),
        "POSTGRES_HOST": str(parameters["host"]),
        "POSTGRES_PORT": str(parameters.get("port", 5432)),
        "POSTGRES_USER": str(parameters["user"]),
        "POSTGRES_PASSWORD": "none",
        "ORIGINATOR_ID_TYPE": "text",
    }


def forget_views(dsn: str) -> None:
    """Empty all views, and have their projections begin again, ours and the library's."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for projection in PROJECTIONS:
            connection.execute(sql.SQL("TRUNCATE {}").format(sql.Identifier("ordertrail", projection.name)))
        connection.execute("UPDATE ordertrail.checkpoints SET position = 0")
        connection.execute("DROP TABLE IF EXISTS public.shopviews_tracking")
