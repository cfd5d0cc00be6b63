"""The embedded PostgreSQL after kill -9: what was committed is there, and what is left behind stops nobody."""

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from infrastructure.embedded import server as embedded
from infrastructure.embedded.server import embedded_server
from tests.fix_embedded import HOLDER, WRITER, is_up, reap, run, spawn, wait_until


@pytest.mark.parametrize("victims", ["both", "postmaster", "holder"])
def test_committed_rows_survive_kill_minus_nine_in_the_middle_of_writes(data_dir: Path, victims: str) -> None:
    writer = spawn(WRITER, data_dir)
    assert writer.stdout
    acknowledged = 0
    while acknowledged < 200:
        acknowledged = int(writer.stdout.readline())

    postmaster = embedded._running(data_dir / "postgres")
    assert postmaster
    if victims in {"both", "postmaster"}:
        postmaster.send_signal(signal.SIGKILL)
    if victims in {"both", "holder"}:
        writer.kill()
    try:
        rest = writer.communicate(timeout=60)[0].split()
    finally:
        reap(writer)
    acknowledged = max([acknowledged, *map(int, rest)])

    with embedded_server(data_dir) as dsn:
        rows = run(dsn, "SELECT n FROM numbers ORDER BY n")
    # The insert that was under way may have made it.
    assert [n for (n,) in rows][:acknowledged] == list(range(1, acknowledged + 1))
    assert len(rows) <= acknowledged + 1
    assert not is_up(data_dir)


def test_a_server_whose_users_were_all_killed_is_taken_over(data_dir: Path) -> None:
    holder = spawn(HOLDER, data_dir)
    assert holder.stdout
    holder.stdout.readline()
    reap(holder)
    orphan = embedded._running(data_dir / "postgres")
    assert orphan

    with embedded_server(data_dir) as dsn:
        assert run(dsn, "SELECT 1") == [(1,)]
        assert embedded._running(data_dir / "postgres") == orphan

    assert not is_up(data_dir)


def test_a_stale_pid_file_that_names_another_program_does_no_harm(data_dir: Path) -> None:
    with embedded_server(data_dir) as dsn:
        run(dsn, "CREATE TABLE numbers AS SELECT 1 AS n")
        postmaster = embedded._running(data_dir / "postgres")
        assert postmaster
        stale = (data_dir / "postgres" / "postmaster.pid").read_text()
        postmaster.kill()
        wait_until(lambda: not is_up(data_dir))
    # Of the server's own user, so that PostgreSQL would take it for a server.
    owner = (data_dir / "postgres").stat().st_uid if os.geteuid() == 0 else None
    bystander = subprocess.Popen(["sleep", "600"], user=owner)
    try:
        pid_file = data_dir / "postgres" / "postmaster.pid"
        pid_file.write_text(re.sub(r"^\d+", str(bystander.pid), stale))

        with embedded_server(data_dir) as dsn:
            assert run(dsn, "SELECT n FROM numbers") == [(1,)]

        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


@pytest.mark.parametrize("content", ["", "nonsense", "99999999\n"])
def test_a_pid_file_cut_short_does_no_harm(data_dir: Path, content: str) -> None:
    (data_dir / "postgres" / "postmaster.pid").write_text(content)

    with embedded_server(data_dir) as dsn:
        assert run(dsn, "SELECT 1") == [(1,)]


def test_an_initialisation_that_was_killed_is_begun_again(new_dir: Path) -> None:
    new_dir.mkdir()
    (new_dir / ".in-use").touch()
    (new_dir / "postgres.unfinished").mkdir()
    (new_dir / "postgres.unfinished" / "PG_VERSION").write_text("18\n")

    with embedded_server(new_dir) as dsn:
        assert run(dsn, "SELECT 1") == [(1,)]
