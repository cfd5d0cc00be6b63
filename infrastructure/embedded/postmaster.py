"""What a running PostgreSQL writes about itself into its data directory, and whether it can be reached."""

import errno
import socket
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote


class Postmaster(NamedTuple):
    """A server that accepts connections, as its postmaster.pid describes it."""

    socket_dir: str
    port: int

    def dsn(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={quote(self.socket_dir, safe='')}&port={self.port}"

    def connect(self) -> int:
        """Try the server's socket; return the error number, 0 if the server answers."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1)
            try:
                client.connect(f"{self.socket_dir}/.s.PGSQL.{self.port}")
            except TimeoutError:
                return errno.EAGAIN
            except OSError as exc:
                return exc.errno or errno.ENAMETOOLONG
        return 0


def ready_postmaster(pgdata: Path) -> Postmaster | None:
    """Return the server if its file says that it accepts connections. The file of a killed server still says so."""
    try:
        lines = [line.strip() for line in (pgdata / "postmaster.pid").read_text().splitlines()]
    except FileNotFoundError:
        return None
    # Process, data directory, start time, port, socket directory, address, shared memory, status.
    if len(lines) != 8 or lines[7] != "ready":
        return None
    # A socket in the data directory is found under the name that the directory has here.
    return Postmaster(str(pgdata) if lines[4] == lines[1] else lines[4], int(lines[3]))
