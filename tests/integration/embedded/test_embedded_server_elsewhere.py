"""The embedded PostgreSQL, started where its processes are not visible or its directory has another name."""

import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infrastructure.embedded import server as embedded
from infrastructure.embedded.errors import EmbeddedServerError
from infrastructure.embedded.server import embedded_server, start_again
from tests.fix_embedded import HOLDER, elsewhere, hide_postmaster, is_up, reap, run, spawn, wait_until
from tests.paths import ROOT

STARTED_AT = "SELECT pg_postmaster_start_time()"
BOUND = 'mount --bind "$1" "$2" && exec "$3" -c "$4" "$2"'


@pytest.fixture
def held(data_dir: Path) -> Iterator[str]:
    """The DSN of a server that another process uses."""
    holder = spawn(HOLDER, data_dir)
    assert holder.stdout
    try:
        yield holder.stdout.readline().strip()
        holder.communicate(timeout=60)
        assert holder.returncode == 0
    finally:
        reap(holder)


def test_a_server_whose_process_is_not_visible_is_shared(data_dir: Path, held: str) -> None:
    started_at = run(held, STARTED_AT)
    seen = (data_dir / "postgres" / "postmaster.pid").read_text()
    hide_postmaster(data_dir)
    hidden = (data_dir / "postgres" / "postmaster.pid").read_text()

    with embedded_server(data_dir) as ours:
        assert ours == held
        assert run(ours, STARTED_AT) == started_at

    assert (data_dir / "postgres" / "postmaster.pid").read_text() == hidden
    assert run(held, STARTED_AT) == started_at
    (data_dir / "postgres" / "postmaster.pid").write_text(seen)


def test_a_user_in_another_process_namespace_shares_the_server(data_dir: Path, held: str) -> None:
    started_at = run(held, STARTED_AT)
    pid_file = data_dir / "postgres" / "postmaster.pid"
    seen = pid_file.read_text()

    command = [*elsewhere(data_dir), sys.executable, "-c", HOLDER, str(data_dir)]
    theirs = subprocess.run(
        command, check=True, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, timeout=120
    ).stdout.strip()

    assert theirs == held
    assert run(held, STARTED_AT) == started_at
    pid_file.write_text(seen)


def test_a_user_that_knows_the_directory_by_another_name_shares_the_server(
    data_dir: Path, held: str, tmp_path: Path
) -> None:
    started_at = run(held, STARTED_AT)
    rights = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    other = tmp_path / "other"
    other.mkdir()
    unshare = ["unshare", *rights, "--mount"]
    is_allowed = subprocess.run([*unshare, "mount", "--bind", data_dir, other], check=False).returncode == 0
    if is_allowed:
        command = [*unshare, "sh", "-c", BOUND, "sh", str(data_dir), str(other), sys.executable, HOLDER]
    else:
        # The name the server knows the directory by is made another one.
        pid_file = data_dir / "postgres" / "postmaster.pid"
        pid_file.write_text(re.sub(re.escape(str(data_dir)), "/elsewhere", pid_file.read_text()))
        command = [sys.executable, "-c", HOLDER, str(data_dir)]

    theirs = subprocess.run(
        command, check=True, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, timeout=120
    ).stdout

    assert "/ordertrail?host=" in theirs
    assert (theirs.strip() != held) == is_allowed
    assert run(held, STARTED_AT) == started_at


def test_a_server_that_cannot_be_reached_is_left_alone(
    data_dir: Path, held: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "UNREACHABLE_SECONDS", 0.1)
    before = (data_dir / "postgres" / "postmaster.pid").read_text()
    socket = data_dir / "postgres" / ".s.PGSQL.5432"
    socket.rename(data_dir / "hidden")

    with pytest.raises(EmbeddedServerError, match="runs for somebody else and cannot be reached from here: No such"):
        embedded_server(data_dir).__enter__()

    (data_dir / "hidden").rename(socket)
    assert (data_dir / "postgres" / "postmaster.pid").read_text() == before
    assert run(held, "SELECT 1") == [(1,)]


def test_a_server_that_died_is_started_again_under_the_same_dsn_beside_other_users(data_dir: Path, held: str) -> None:
    with embedded_server(data_dir) as ours:
        run(ours, "CREATE TABLE numbers AS SELECT 1 AS n")
        start_again(data_dir)
        postmaster = embedded._running(data_dir / "postgres")
        assert postmaster
        postmaster.kill()

        def is_up_again() -> bool:
            start_again(data_dir)
            found = embedded._running(data_dir / "postgres")
            return found not in {None, postmaster}

        wait_until(is_up_again)

        assert run(ours, "SELECT n FROM numbers") == run(held, "SELECT n FROM numbers") == [(1,)]
    assert is_up(data_dir), "the other one still uses it"


def test_folders_above_the_data_may_be_passed_through_and_not_read(new_dir: Path) -> None:
    new_dir.parent.chmod(0o700)
    above = [new_dir.parent, *new_dir.parent.parents]
    before = [stat.S_IMODE(folder.stat().st_mode) for folder in above]

    with embedded_server(new_dir) as dsn:
        assert run(dsn, "SELECT 1") == [(1,)]

    # PostgreSQL runs as ourselves, unless we are root.
    added = stat.S_IXOTH if os.geteuid() == 0 else 0
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in above] == [mode | added for mode in before]
