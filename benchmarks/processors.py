"""The processor time that processes on this machine have taken."""

import os
from pathlib import Path

import psutil
import psycopg


def cpu_seconds(pid: int) -> float:
    """Return what a process has taken of a core, as Linux tells it."""
    user, system = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def postmaster_of(dsn: str) -> psutil.Process:
    """Return the first process of the PostgreSQL that a DSN leads to. It must run on this machine."""
    with psycopg.connect(dsn) as connection:
        return psutil.Process(psutil.Process(connection.info.backend_pid).ppid())


def family_seconds(postmaster: psutil.Process) -> float:
    """Return what a PostgreSQL has taken, with all of its processes that live and that have ended."""
    times = postmaster.cpu_times()
    total = times.user + times.system + times.children_user + times.children_system
    for process in postmaster.children(recursive=True):
        try:
            of_child = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += of_child.user + of_child.system
    return total


def sessions_seconds(dsn: str) -> dict[int, float]:
    """Return what each process has taken that serves a session with the database of a DSN, on this machine."""
    query = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with psycopg.connect(dsn) as connection:
        return {pid: cpu_seconds(pid) for (pid,) in connection.execute(query)}
