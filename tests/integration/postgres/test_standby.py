"""Two real servers with streaming replication and `remote_apply`: when the first dies, nothing acknowledged is lost."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import httpx
import psycopg
import pytest

from tests.fix_embedded import run, wait_until
from tests.integration.postgres.test_failover import dsn_of_both
from tests.native import new_id
from tests.outage import Postgres, assert_written_once, new_token, postgres_in, served, write
from tests.standby import standby_of

WRITERS = 4
BEFORE = 60
"""How many events are acknowledged before the first server dies, and how many after it, at least."""


@pytest.fixture
def first(data_dir: Path) -> Iterator[Postgres]:
    with postgres_in(data_dir) as server:
        yield server


def commit_on_both(first: Postgres) -> None:
    """Let no commit be acknowledged before the standby shows it."""
    first.configure("synchronous_standby_names = '*'")
    first.configure("synchronous_commit = 'remote_apply'")
    synced = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"
    wait_until(lambda: run(first.dsn, synced) == [(1,)])


def test_what_was_acknowledged_is_on_the_standby_that_takes_over(first: Postgres) -> None:
    token = new_token(first.dsn)
    with standby_of(first) as second:
        second_dsn = second.dsn
        commit_on_both(first)
        with (
            served("--dsn", dsn_of_both(first.dsn, second_dsn), token=token) as server,
            server.client() as http,
            ThreadPoolExecutor(WRITERS) as threads,
        ):
            wait_until(lambda: write(http).status_code == 201)
            acknowledged: list[str] = []
            is_over = Event()

            def keep_writing(order_id: str) -> None:
                while not is_over.is_set():
                    event_id = new_id()
                    try:
                        answer = write(http, order_id, event_id=event_id)
                    except httpx.HTTPError:
                        continue  # its outcome is unknown
                    if answer.status_code == 201:
                        acknowledged.append(event_id)

            writers = [threads.submit(keep_writing, f"A-{n}") for n in range(WRITERS)]
            try:
                wait_until(lambda: len(acknowledged) >= BEFORE)
                first.crash()
                run(second_dsn, "SELECT pg_promote()")
                before = len(acknowledged)
                wait_until(lambda: len(acknowledged) >= before + BEFORE)
            finally:
                is_over.set()
            for writer in writers:
                writer.result()

            assert_written_once(http, acknowledged)
            with psycopg.connect(second_dsn) as connection:
                assert connection.execute("SELECT pg_is_in_recovery()").fetchone() == (False,)
