"""What was seen of a file, in a database of SQLite's that is on disk beyond some megabytes and vanishes with us."""

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
    """Yield a database of a moment: an empty name has SQLite make a file and delete it."""
    with closing(sqlite3.connect("", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("BEGIN")
        yield SqliteSeen(connection)
