"""A PostgreSQL of our own in a data directory. Its first user starts it, and its last user stops it."""

import errno
import fcntl
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil
import psycopg

from infrastructure.embedded import programs as postgres_programs
from infrastructure.embedded.errors import EmbeddedServerError, PostgresDoesNotStart, UnusableDirectory
from infrastructure.embedded.options import PORT, server_options, socket_dir_of
from infrastructure.embedded.postmaster import Postmaster, ready_postmaster

DATABASE = "ordertrail"
# After a crash the server first replays its log, at most a checkpoint's distance.
START_SECONDS = 600
STOP_SECONDS = 600
POLL_SECONDS = 0.05
DYING_SECONDS = 1.0
# How long a server may claim to be ready without a socket. A server that is being killed removes the socket first.
UNREACHABLE_SECONDS = 5
# How long a server may run before it has written its postmaster.pid.
APPEARING_SECONDS = 5

RECOVERY_ENDED = "recovery ended before configured recovery target"
_PASSING = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM})
# The file system itself makes it on a volume.
IGNORED_FILES = frozenset({"lost+found"})


@contextmanager
def embedded_server(data_dir: Path) -> Iterator[str]:
    """Run PostgreSQL in the directory for as long as anybody uses it; yield the DSN of its database ordertrail.

    Any number of processes may use it at the same time: the first starts the server, the last stops it. If a user was
    killed, the next one takes over what it left. Raises EmbeddedServerError.
    """
    with data_directory(data_dir) as used:
        yield start_again(used)


@contextmanager
def data_directory(data_dir: Path) -> Iterator[Path]:
    """Create and use a directory. Its server is stopped when nobody uses it any more. Raises UnusableDirectory."""
    data_dir = _prepare(data_dir)
    _check_release(data_dir / "postgres")
    with _in_use(data_dir):
        yield data_dir


def start_again(data_dir: Path) -> str:
    """Start the server of a directory that we use, unless it runs; return the DSN, which stays the same.

    Raises EmbeddedServerError.
    """
    with _locked(data_dir / ".starting"):
        postmaster = _start(data_dir)
        try:
            _create_database(postmaster)
        except PostgresDoesNotStart:
            # The server may have been about to be killed when we looked. It is gone by now, and is started again.
            time.sleep(DYING_SECONDS)
            postmaster = _start(data_dir)
            _create_database(postmaster)
    return postmaster.dsn(DATABASE)


def is_used(data_dir: Path) -> bool:
    """Return whether anybody uses a directory, or its server runs."""
    if not (data_dir / ".in-use").exists():
        return False
    try:
        with _locked(data_dir / ".in-use", fcntl.LOCK_EX | fcntl.LOCK_NB):
            return not has_ended(data_dir)
    except BlockingIOError:
        return True


def has_ended(data_dir: Path) -> bool:
    """Return whether the server of a directory that we use has stopped running; cheap."""
    with _no_server(data_dir) as lock:
        return lock is not None


def _prepare(data_dir: Path) -> Path:
    """Create the directory, or check that it is one of ours."""
    data_dir = data_dir.expanduser().resolve()
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        files = {path.name for path in data_dir.iterdir()} - IGNORED_FILES
        # The lock file is the first file that we make in a directory, so it marks ours.
        if files and ".in-use" not in files:
            raise UnusableDirectory(
                f"{data_dir} holds files that are not Ordertrail's; choose a new or an empty data directory"
            )
        (data_dir / ".in-use").touch(mode=0o600)
    except OSError as exc:
        raise UnusableDirectory(
            f"Cannot write to the data directory {data_dir}: {exc.strerror}; choose one that you may write to"
        ) from exc
    return data_dir


@contextmanager
def _in_use(data_dir: Path) -> Iterator[None]:
    """Be a user of the directory; the last user stops the server.

    The lock is the kernel's: it vanishes with its process, however that ends. A process that starts while the last user
    stops the server waits for it.
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
        what = f"Cannot open {path}: {exc.strerror}"
        if exc.errno in _PASSING:
            raise PostgresDoesNotStart(what) from exc
        raise UnusableDirectory(f"{what}; choose another data directory") from exc
    try:
        fcntl.flock(lock, kind)
        yield lock
    finally:
        os.close(lock)


@contextmanager
def _no_server(data_dir: Path) -> Iterator[int | None]:
    """Yield a lock that proves that no server runs; None if one runs.

    All processes of a server hold this lock, so the kernel knows whether any is left. That also holds if they were
    killed, if they run in a container whose processes are not visible here, or if they know the directory by another
    name.
    """
    with ExitStack() as stack:
        try:
            lock = stack.enter_context(_locked(data_dir / ".server", fcntl.LOCK_EX | fcntl.LOCK_NB))
        except BlockingIOError:
            yield None
        else:
            # A server that somebody started by hand does not hold it.
            yield lock if _running(data_dir / "postgres") is None else None


def _start(data_dir: Path) -> Postmaster:
    """Return the directory's server once it accepts connections: the running one, or a new one."""
    pgdata = data_dir / "postgres"
    _initialise(pgdata)
    deadline = time.monotonic() + START_SECONDS
    missing_since: float | None = None
    log, before = pgdata / "log", postgres_programs.size_of(pgdata / "log")
    while time.monotonic() < deadline:
        with _no_server(data_dir) as lock:
            if lock is not None:
                # One that does not find the end of its recovery would not find it again.
                if RECOVERY_ENDED in (said := postgres_programs.last_words(log, since=before)):
                    raise PostgresDoesNotStart(f"PostgreSQL has ended in {pgdata}; {log} says why", said=said)
                _launch(pgdata, lock)
        postmaster = ready_postmaster(pgdata)
        problem = postmaster.connect() if postmaster else errno.EAGAIN
        if postmaster and not problem:
            return postmaster
        # Until then somebody else starts or stops it, or the last processes of a killed server are leaving.
        if problem in {errno.EAGAIN, errno.ECONNREFUSED}:
            missing_since = None
        elif time.monotonic() - (missing_since := missing_since or time.monotonic()) > UNREACHABLE_SECONDS:
            raise UnusableDirectory(
                f"PostgreSQL in {pgdata} runs for somebody else and cannot be reached from here: "
                f"{os.strerror(problem)}; run this where it was started, and with the same data directory"
            )
        time.sleep(POLL_SECONDS)
    raise PostgresDoesNotStart(f"PostgreSQL in {pgdata} is not ready after {START_SECONDS} s; see {pgdata / 'log'}")


def _check_release(pgdata: Path) -> None:
    """Raise UnusableDirectory if there is a cluster of another release."""
    target, version = postgres_programs.release(), postgres_programs.release_of(pgdata)
    if version not in {None, target}:
        raise UnusableDirectory(
            f"{pgdata} was made by PostgreSQL {version} and this release of Ordertrail runs {target}; "
            "export it with the release that made it, or choose another data directory"
        )


def _initialise(pgdata: Path) -> None:
    """Create the database cluster if it is missing. Raises UnusableDirectory."""
    _check_release(pgdata)
    if postgres_programs.release_of(pgdata) is not None:
        return
    # Use another name first: a cluster of a killed initdb looks finished.
    unfinished = pgdata.with_name("postgres.unfinished")
    try:
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        postgres_programs.initialise(unfinished)
        unfinished.rename(pgdata)
    except (OSError, subprocess.SubprocessError) as exc:
        raise UnusableDirectory(f"Cannot set up PostgreSQL in {pgdata}: {exc}; choose another data directory") from exc


def _running(pgdata: Path) -> psutil.Process | None:
    """Return the directory's postmaster if it is visible. The process id in its file may belong to another program."""
    try:
        process = psutil.Process(int((pgdata / "postmaster.pid").read_text().split("\n", 1)[0]))
        # Compare the folder itself where the system shows it: the server may know it by another name than we do.
        folder = Path(f"/proc/{process.pid}/cwd")
        folder = folder if folder.is_symlink() else Path(process.cwd())
        is_ours = process.name() == "postgres" and folder.samefile(pgdata)
        return process if is_ours and process.status() != psutil.STATUS_ZOMBIE else None
    except (OSError, ValueError, psutil.Error):
        return None


def _launch(pgdata: Path, lock: int) -> None:
    """Start a server that keeps the lock. The holder of the lock may remove what a killed server left."""
    socket_dir = socket_dir_of(pgdata)
    # These files would stop a new server if another program has the process id now.
    (pgdata / "postmaster.pid").unlink(missing_ok=True)
    (socket_dir / f".s.PGSQL.{PORT}.lock").unlink(missing_ok=True)
    log = pgdata / "log"
    before = postgres_programs.size_of(log)
    try:
        postgres_programs.start(
            pgdata, "-t", str(START_SECONDS), "-l", str(log), "-o", server_options(socket_dir), held=lock
        )
    except subprocess.SubprocessError as exc:
        raise PostgresDoesNotStart(
            f"PostgreSQL does not start in {pgdata}; {log} says why",
            said=postgres_programs.last_words(log, since=before),
        ) from exc
    except OSError as exc:
        raise PostgresDoesNotStart(f"PostgreSQL cannot be started in {pgdata}: {exc}") from exc


def _stop(data_dir: Path) -> None:
    pgdata = data_dir / "postgres"
    deadline = time.monotonic() + APPEARING_SECONDS
    # Its starter may have been told to end before the server wrote its process id.
    while not (pgdata / "postmaster.pid").exists() and not has_ended(data_dir) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    if _running(pgdata) is None:
        return
    postmaster = ready_postmaster(pgdata)
    try:
        postgres_programs.stop(pgdata, "-m", "fast", "-t", str(STOP_SECONDS))
    except subprocess.CalledProcessError as exc:
        if _running(pgdata) is not None:
            raise EmbeddedServerError(f"PostgreSQL in {pgdata} does not stop; {pgdata / 'log'} says why") from exc
    if postmaster and Path(postmaster.socket_dir) != pgdata:
        with suppress(OSError):
            Path(postmaster.socket_dir).rmdir()


def _create_database(postmaster: Postmaster) -> None:
    try:
        with psycopg.connect(postmaster.dsn("postgres"), autocommit=True) as connection:
            if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).fetchall():
                connection.execute("CREATE DATABASE ordertrail")
    except psycopg.Error as exc:
        words = str(exc).splitlines()[0]
        raise PostgresDoesNotStart(f"The embedded PostgreSQL refuses to work: {words}") from exc
