"""Crashes: whatever was acknowledged before a SIGKILL is there exactly once after it, and nothing is half there."""

import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest

from infrastructure.embedded import server as embedded
from infrastructure.embedded.server import embedded_server
from infrastructure.setup.migrations import migrate
from tests.fix_embedded import run
from tests.paths import ROOT

TENANT = "acme"


class Writer:
    """A writer process, and what it was told is stored."""

    def __init__(self, dsn: str, name: str) -> None:
        command = [sys.executable, "-m", "tests.writer_process", dsn, TENANT, name]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        self.acknowledged: list[str] = []

    def acknowledge(self, appends: int) -> None:
        """Wait until so many more appends are acknowledged."""
        assert self.process.stdout
        for _ in range(appends):
            line = self.process.stdout.readline()
            assert line.endswith("\n"), "the writer died"
            self.acknowledged += line.split()

    def kill(self) -> None:
        """Send SIGKILL, and read what was acknowledged until then."""
        self.process.kill()
        self.process.wait(60)
        # From where the last line ended: some of it may have been read ahead. The very last line may be cut off.
        assert self.process.stdout
        with self.process.stdout as rest:
            for line in rest:
                self.acknowledged += line.split() if line.endswith("\n") else []


@contextmanager
def running_writer(dsn: str, name: str) -> Iterator[Writer]:
    writer = Writer(dsn, name)
    try:
        yield writer
    finally:
        writer.kill()


def kill_server(data_dir: Path) -> None:
    """Send SIGKILL to the postmaster and all its children."""
    postmaster = embedded._running(data_dir / "postgres")
    assert postmaster
    family = [postmaster, *postmaster.children(recursive=True)]
    for process in family:
        process.kill()
    _, alive = psutil.wait_procs(family, timeout=60)
    assert all(process.status() == psutil.STATUS_ZOMBIE for process in alive)


@pytest.fixture
def dsn(data_dir: Path) -> Iterator[str]:
    """A durable database on a server of the test's own, with a tenant."""
    with embedded_server(data_dir) as opened:
        migrate(opened)
        with psycopg.connect(opened) as connection:
            assert (
                connection.execute("SHOW fsync").fetchone() == connection.execute("SHOW synchronous_commit").fetchone()
            )
            assert connection.execute("SHOW fsync").fetchone() == ("on",)
            connection.execute("INSERT INTO ordertrail.tenants (tenant) VALUES (%s)", [TENANT])
            connection.execute("INSERT INTO ordertrail.ledgers (tenant) VALUES (%s)", [TENANT])
        yield opened


def check_ledger(dsn: str, acknowledged: list[str]) -> None:
    with psycopg.connect(dsn) as connection:
        events = connection.execute(
            "SELECT position, stream, version, event_id FROM ordertrail.events WHERE tenant = %s ORDER BY position",
            [TENANT],
        ).fetchall()
        head = connection.execute("SELECT position FROM ordertrail.ledgers WHERE tenant = %s", [TENANT]).fetchone()
    assert [position for position, *_ in events] == list(range(1, len(events) + 1))
    assert head == (len(events),)
    versions: dict[str, int] = {}
    for _, stream, version, _ in events:
        assert version == versions.get(stream, 0) + 1
        versions[stream] = version
    ids = [event_id for *_, event_id in events]
    assert len(set(acknowledged)) == len(acknowledged)
    assert set(acknowledged) <= set(ids)
    assert len(set(ids)) == len(ids)
    # The events of each append stand side by side, first the one of its own stream.
    appends = list(zip(ids[::2], ids[1::2], strict=True))
    assert [own.removesuffix("-own") for own, _ in appends] == [other.removesuffix("-shared") for _, other in appends]


def test_writers_that_are_killed_under_load_leave_what_was_acknowledged_and_nothing_half(dsn: str) -> None:
    moments = random.Random(1)
    acknowledged: list[str] = []

    for n in range(4):
        with running_writer(dsn, f"w{n}") as writer:
            writer.acknowledge(moments.randrange(1, 400))
        acknowledged += writer.acknowledged

    check_ledger(dsn, acknowledged)
    with running_writer(dsn, "last") as writer:
        writer.acknowledge(10)


def test_a_server_that_is_killed_under_load_keeps_what_was_acknowledged_and_nothing_half(
    dsn: str, data_dir: Path
) -> None:
    moments = random.Random(2)

    with ExitStack() as restarted:
        with running_writer(dsn, "w") as writer:
            for _ in range(4):
                writer.acknowledge(moments.randrange(50, 400))
                kill_server(data_dir)
                assert restarted.enter_context(embedded_server(data_dir)) == dsn
            writer.acknowledge(50)

        check_ledger(dsn, writer.acknowledged)


def test_a_server_and_its_writer_that_are_killed_together_lose_nothing(dsn: str, data_dir: Path) -> None:
    with running_writer(dsn, "w") as writer:
        writer.acknowledge(100)
        kill_server(data_dir)

    with embedded_server(data_dir):
        check_ledger(dsn, writer.acknowledged)


def test_what_was_acknowledged_is_kept_where_commits_do_not_wait_for_the_disk_by_default(
    dsn: str, data_dir: Path
) -> None:
    # The log is written when somebody waits for it, and by nobody else.
    for setting in ("synchronous_commit = off", "wal_writer_delay = '10s'", "wal_writer_flush_after = '1GB'"):
        run(dsn, f"ALTER SYSTEM SET {setting}")
    run(dsn, "CREATE TABLE witness (n int)")
    run(dsn, "SELECT pg_reload_conf()")
    with running_writer(dsn, "w") as writer:
        writer.acknowledge(200)

    run(dsn, "INSERT INTO witness VALUES (1)")
    kill_server(data_dir)

    with embedded_server(data_dir):
        check_ledger(dsn, writer.acknowledged)
        assert run(dsn, "SELECT n FROM witness") == [], "the crash took nothing, so it showed nothing"
