"""What the embedded PostgreSQL is started with: where its socket is, and where its write-ahead log is kept."""

import hashlib
import os
import shlex
import stat
import tempfile
from pathlib import Path

from infrastructure.embedded.errors import UnusableDirectory

PORT = 5432
ARCHIVE = "archive"
"""The link in a data directory to the folder that its server's write-ahead log is kept in, if there is one."""
# A segment that was kept before is not kept again. Without the link, there is nothing to do.
ARCHIVE_COMMAND = (
    f"test ! -e ../{ARCHIVE} || test -f ../{ARCHIVE}/%f || "
    f"( cp %p ../{ARCHIVE}/%f.unfinished && sync ../{ARCHIVE}/%f.unfinished && "
    f"mv ../{ARCHIVE}/%f.unfinished ../{ARCHIVE}/%f )"
)
ARCHIVE_SECONDS = 60
"""How old what is not archived yet may become, while anything is written."""
# The shortest limit among the systems we run on (macOS) is 104 bytes with the terminating zero.
MAX_SOCKET_PATH = 103


def server_options(socket_dir: Path) -> str:
    """Return the options of a server with its socket in this folder."""
    return (
        f"-h '' -p {PORT} -k {shlex.quote(str(socket_dir))} -c archive_mode=on "
        f"-c archive_timeout={ARCHIVE_SECONDS} -c archive_command={shlex.quote(ARCHIVE_COMMAND)}"
    )


def socket_dir_of(pgdata: Path) -> Path:
    """Return the directory of the server's socket: the data directory, or a private one with a shorter name."""
    # The server and its clients read a comma as a separator of directories.
    if len(os.fsencode(pgdata / f".s.PGSQL.{PORT}")) <= MAX_SOCKET_PATH and "," not in str(pgdata):
        return pgdata
    found = pgdata.stat()
    owner = found.st_uid
    # Use the directory's identity, not its name: two containers may use one name for two directories.
    name = hashlib.sha256(f"{found.st_dev}:{found.st_ino}".encode()).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"ordertrail-{name}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if os.geteuid() == 0:
        os.chown(folder, owner, -1, follow_symlinks=False)
    # The server trusts everybody who reaches its socket.
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or stat.S_IMODE(found.st_mode) & 0o077:
        raise UnusableDirectory(f"{folder} is somebody else's; choose a data directory with a shorter name")
    return folder
