"""The streams and event ids of a file, in an SQLite database: beyond some megabytes on disk, and temporary."""

import json
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager

from infrastructure.postgres.statements import statements

_SQL = {name: sql.decode() for name, sql in statements("sqlite/seen").items()}


class SqliteSeen:
    """Implements application.ledger_file.reading.Seen."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        for name in ("create_streams", "create_event_ids"):
            connection.execute(_SQL[name])

    def newest_versions(self, streams: Collection[str]) -> Mapping[str, int]:
        return dict(self._connection.execute(_SQL["newest_versions"], [json.dumps(list(streams))]))

    def add(self, versions: Mapping[str, int], event_ids: Sequence[str]) -> bool:
        self._connection.executemany(_SQL["keep_versions"], versions.items())
        try:
            self._connection.executemany(_SQL["keep_event_ids"], ((event_id,) for event_id in event_ids))
        except sqlite3.IntegrityError:
            return False
        return True


@contextmanager
def open_seen() -> Iterator[SqliteSeen]:
    """Yield a temporary database: for an empty name, SQLite makes a file and deletes it at the end."""
    with closing(sqlite3.connect("", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("BEGIN")
        yield SqliteSeen(connection)
