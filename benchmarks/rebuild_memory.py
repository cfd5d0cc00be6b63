"""What memory a rebuild of all views takes, of ledgers of two sizes."""

import os
import subprocess
from statistics import median

from rich.table import Table

from benchmarks.databases import fresh_database
from benchmarks.load import ORDERTRAIL
from benchmarks.projector import seed
from benchmarks.table import CONSOLE

SIZES = (20_000, 100_000)


def rebuild(dsn: str) -> float:
    """Rebuild all views; return the most memory that the process had, in MB. Raises CalledProcessError."""
    command = [ORDERTRAIL, "rebuild", "--dsn", dsn]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return usage.ru_maxrss / 1024


def main(server: str, runs: int) -> None:
    """Print the table."""
    table = Table(title="The most memory of ordertrail rebuild, all seven views", title_justify="left")
    for column in ("events", "MB", "ratio to the first"):
        table.add_column(column, justify="right")
    first = 0.0
    for size in SIZES:
        with fresh_database(server, is_ours=True) as dsn:
            seed(dsn, size)
            found = [rebuild(dsn) for _ in range(runs)]
        first = first or median(found)
        spread = f"[dim]{min(found):,.0f} to {max(found):,.0f}[/dim]"
        table.add_row(f"{size:,}", f"{median(found):,.0f}\n{spread}", f"{median(found) / first:.2f}")
    CONSOLE.print(table)
