"""Data directories for the embedded server, and processes that use them."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from infrastructure.embedded import server as embedded
from infrastructure.embedded.server import embedded_server
from tests.paths import ROOT

HOLDER = """
import sys
from pathlib import Path
from infrastructure.embedded.server import embedded_server
with embedded_server(Path(sys.argv[1])) as dsn:
    print(dsn, flush=True)
    sys.stdin.read()
"""

WRITER = """
import sys
from pathlib import Path
import psycopg
from infrastructure.embedded.server import embedded_server
with embedded_server(Path(sys.argv[1])) as dsn, psycopg.connect(dsn, autocommit=True) as connection:
    connection.execute("CREATE TABLE numbers (n bigint PRIMARY KEY)")
    n = 0
    while True:
        n += 1
        connection.execute("INSERT INTO numbers VALUES (%s)", [n])
        print(n, flush=True)
"""


@pytest.fixture
def new_dir() -> Iterator[Path]:
    """A directory that does not exist yet; whatever still runs in it afterwards is killed."""
    folder = Path(tempfile.mkdtemp(prefix="ot-", dir="/tmp"))
    try:
        yield folder / "data"
    finally:
        kill_postmasters(folder)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def used_dir() -> Iterator[Path]:
    """A data directory after its first use."""
    with tempfile.TemporaryDirectory(prefix="ot-", dir="/tmp") as folder:
        with embedded_server(Path(folder, "data")):
            pass
        yield Path(folder, "data")


@pytest.fixture
def data_dir(new_dir: Path, used_dir: Path) -> Path:
    """A data directory of the test's own that was in use before."""
    subprocess.run(["cp", "-a", used_dir, new_dir], check=True)
    return new_dir


def kill_postmasters(folder: Path) -> None:
    for pid_file in folder.rglob("postmaster.pid"):
        process = embedded._running(pid_file.parent)
        if process is not None:
            process.kill()
            wait_until(lambda process=process: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE)


def is_up(data_dir: Path) -> bool:
    return embedded._running(data_dir / "postgres") is not None


def run(dsn: str, statement: str) -> Any:
    with psycopg.connect(dsn, autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else None


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def elsewhere(data_dir: Path) -> list[str]:
    """Return what to put before a command for it not to see our processes, as in another container."""
    rights = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    command = ["unshare", *rights, "--pid", "--ipc", "--fork", "--mount-proc"]
    if shutil.which("unshare") and subprocess.run([*command, "true"], check=False).returncode == 0:
        return command
    # Where that is not allowed the server's process id is made one that is not there.
    hide_postmaster(data_dir)
    return []


def hide_postmaster(data_dir: Path) -> None:
    pid_file = data_dir / "postgres" / "postmaster.pid"
    pid_file.write_text(re.sub(r"^\d+", "99999999", pid_file.read_text()))


def spawn(script: str, data_dir: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, str(data_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def reap(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate(timeout=60)
