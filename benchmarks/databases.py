"""Fresh databases on the benchmark's server."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from infrastructure.migrations import migrate

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
                migrate(dsn)
            yield dsn
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))
