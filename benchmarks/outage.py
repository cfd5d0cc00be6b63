"""Outages: how long after the database is back the first write and the first read are served."""

import asyncio
import json
import signal
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil
import psycopg
from rich.table import Table

from api.bootstrap import set_up_database
from api.cli.maintenance import create_key, create_tenant
from api.settings import read_settings
from benchmarks.load import ordertrail
from benchmarks.table import CONSOLE
from infrastructure.embedded import server as embedded
from infrastructure.embedded.server import embedded_server, start_again

TENANT = "bench"
ORDER = "/trail/v1/orders/A-1"
EVENT = {"type": "order.status_updated", "data": {"status": "confirmed"}}
EVERY_SECONDS = 0.05
GIVE_UP_SECONDS = 120.0


class Postgres(NamedTuple):
    """A server that is taken away and given back."""

    folder: Path
    dsn: str

    def crash(self) -> None:
        for process in self._processes():
            with suppress(psutil.NoSuchProcess):
                process.kill()
        while not embedded.has_ended(self.folder):
            time.sleep(EVERY_SECONDS)

    def start(self) -> None:
        start_again(self.folder)

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def refuse_writes(self) -> None:
        self._configure("ALTER SYSTEM SET default_transaction_read_only = on")

    def take_writes(self) -> None:
        self._configure("ALTER SYSTEM RESET default_transaction_read_only")

    def _configure(self, statement: str) -> None:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute("SET default_transaction_read_only = off")
            connection.execute(statement)  # type: ignore[arg-type]
            connection.execute("SELECT pg_reload_conf()")

    def _signal(self, number: signal.Signals) -> None:
        for process in self._processes():
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def _processes(self) -> list[psutil.Process]:
        postmaster = embedded._running(self.folder / "postgres")  # noqa: SLF001 its process is nobody else's business
        return [] if postmaster is None else [postmaster, *postmaster.children(recursive=True)]


KINDS: Mapping[str, tuple[Callable[[Postgres], None], Callable[[Postgres], None]]] = {
    "it crashes": (Postgres.crash, Postgres.start),
    "it does not answer": (Postgres.freeze, Postgres.thaw),
    "it takes no writes": (Postgres.refuse_writes, Postgres.take_writes),
}


class _Asker(threading.Thread):
    """Asks the same again and again, and notes when it was answered what, and how long that took."""

    def __init__(self, url: str, path: str, headers: Mapping[str, str], body: bytes | None = None) -> None:
        super().__init__(daemon=True)
        self._request = urllib.request.Request(url + path, data=body, headers=dict(headers))
        self._is_over = threading.Event()
        self.answers: list[tuple[float, float, int]] = []

    def run(self) -> None:
        while not self._is_over.wait(EVERY_SECONDS):
            asked = time.monotonic()
            status = self._ask()
            self.answers.append((asked, time.monotonic(), status))

    def _ask(self) -> int:
        try:
            with urllib.request.urlopen(self._request, timeout=60) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            error.close()
            return error.code
        except OSError:
            return 0

    def served_after(self, moment: float) -> float:
        """Return how many seconds after a moment the first request was served that was sent after it."""
        until = time.monotonic() + GIVE_UP_SECONDS
        while time.monotonic() < until:
            for asked, answered, status in self.answers.copy():
                if asked > moment and status in {200, 201}:
                    return answered - moment
            time.sleep(EVERY_SECONDS)
        return float("inf")

    def slowest_refusal(self, since: float, until: float) -> float:
        """Return how long the slowest refusal took of what was asked for meanwhile."""
        refusals = [(asked, answered) for asked, answered, status in self.answers if status == 503]
        return max((answered - asked for asked, answered in refusals if since < asked < until), default=0.0)

    def stop(self) -> None:
        self._is_over.set()
        self.join()


def main(_server: str, _runs: int, *, seconds: Sequence[float] = (35.0,)) -> None:
    """Print the table, of a PostgreSQL of its own, since it is taken away."""
    table = Table(title="The database is away: seconds", title_justify="left", title_style="bold")
    for heading in ("", "away for", "first write\nafter", "first read\nafter", "slowest\nrefusal of a write"):
        table.add_column(heading, justify="right")
    with tempfile.TemporaryDirectory(prefix="ot-bench-") as folder, embedded_server(Path(folder)) as dsn:
        set_up_database(dsn, read_settings())
        asyncio.run(create_tenant(dsn, TENANT, is_implicit=True, dintero_account=None))
        token = asyncio.run(create_key(dsn, TENANT, scopes=("admin",), name="Bench"))["token"]
        with ordertrail(dsn) as url:
            for kind in KINDS:
                for length in seconds:
                    table.add_row(
                        kind, f"{length:.0f}", *_measure(Postgres(Path(folder), dsn), url, token, kind, length)
                    )
    CONSOLE.print(table)


def _measure(postgres: Postgres, url: str, token: str, kind: str, length: float) -> tuple[str, str, str]:
    take, give_back = KINDS[kind]
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    writer = _Asker(url, f"{ORDER}/events", headers, json.dumps(EVENT).encode())
    reader = _Asker(url, ORDER, headers)
    for asker in (writer, reader):
        asker.start()
        asker.served_after(time.monotonic())
    away = time.monotonic()
    take(postgres)
    time.sleep(length)
    give_back(postgres)
    back = time.monotonic()
    figures = writer.served_after(back), reader.served_after(back), writer.slowest_refusal(away, back)
    for asker in (writer, reader):
        asker.stop()
    first_write, first_read, refusal = (f"{figure:.1f}" for figure in figures)
    return first_write, first_read, refusal
