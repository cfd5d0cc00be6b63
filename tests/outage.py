"""A PostgreSQL that is taken away and given back, and what a server that works with it answers meanwhile."""

import asyncio
import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg

from api.bootstrap import set_up_database
from api.cli.maintenance import create_key, create_tenant
from api.settings import read_settings
from infrastructure.embedded import server as embedded
from infrastructure.embedded.server import embedded_server, start_again
from tests.fix_embedded import wait_until
from tests.fix_server import ORDERTRAIL
from tests.native import ORDERS, new_id, status

REFUSED_SECONDS = 2.0
"""Within which requests are refused while the database is away …"""
RETURN_SECONDS = 5.0
"""… and within which they are served after it is back …"""
NOISE_SECONDS = 3.0
"""… on a machine that does nothing else: ours may stand still for so long."""


@dataclass(frozen=True)
class Postgres:
    """A server in a data directory that this process uses."""

    data_dir: Path
    dsn: str

    def processes(self) -> list[psutil.Process]:
        postmaster = embedded._running(self.data_dir / "postgres")
        return [] if postmaster is None else [postmaster, *postmaster.children(recursive=True)]

    def crash(self) -> None:
        """Kill all its processes at once."""
        found = self.processes()
        for process in found:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        wait_until(lambda: embedded.has_ended(self.data_dir))

    def start(self) -> None:
        assert start_again(self.data_dir) == self.dsn

    def freeze(self) -> None:
        """Have it accept connections and answer nothing, as a host does that hangs."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def configure(self, setting: str | None) -> None:
        """Set this in the server's configuration, or nothing any more."""
        # Even if it takes no writes by then.
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute("SET default_transaction_read_only = off")
            connection.execute("ALTER SYSTEM RESET ALL" if setting is None else f"ALTER SYSTEM SET {setting}")
            connection.execute("SELECT pg_reload_conf()")


@contextmanager
def postgres_in(data_dir: Path) -> Iterator[Postgres]:
    """Run a server that is set up in a directory that was in use before."""
    with embedded_server(data_dir) as dsn:
        set_up_database(dsn, read_settings())
        server = Postgres(data_dir, dsn)
        try:
            yield server
        finally:
            server.thaw()


@dataclass(frozen=True)
class Served:
    """`ordertrail serve`, what it writes to its log, and a tenant's credential."""

    url: str
    process: psutil.Popen
    log_file: Path
    token: str = ""

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    def child(self, name: str) -> psutil.Process:
        """Return the worker ("http") or the projector, once there is one."""
        wait_until(lambda: bool(self.children(name)))
        return self.children(name)[0]

    def children(self, name: str) -> list[psutil.Process]:
        """Return the workers or the projector that live."""
        found = []
        for process in self.process.children():
            with suppress(psutil.NoSuchProcess):
                is_one = process.name() == f"trail-{name}" and process.status() != psutil.STATUS_ZOMBIE
                found += [process] if is_one else []
        return found

    def client(self, **headers: str) -> httpx.Client:
        """Return a client that gives up later than any request may take."""
        authorization = {"Authorization": f"Bearer {self.token}"}
        return httpx.Client(base_url=self.url, headers={**authorization, **headers}, timeout=25)

    def told(self, words: str) -> list[str]:
        """Return the lines of the log with these words."""
        return [line for line in self.log.splitlines() if re.search(words, line)]


@contextmanager
def served(*arguments: object, token: str = "", waits_for_url: bool = True, **settings: str) -> Iterator[Served]:
    """Run `ordertrail serve` with its log in a file; stop it as Ctrl-C does, or kill it if that is of no use."""
    command = [str(ORDERTRAIL), "serve", "--port", "0", *map(str, arguments)]
    with tempfile.TemporaryDirectory() as folder, Path(folder, "log").open("w") as log:
        process = psutil.Popen(command, env={**os.environ, **settings}, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            line = process.stdout.readline() if waits_for_url else ""
            assert line.startswith("Ordertrail is at ") or not waits_for_url, Path(folder, "log").read_text()
            url = line.split()[3].rstrip(",") if line else ""
            yield Served(url, process, Path(folder, "log"), token)
        finally:
            children = []
            with suppress(psutil.NoSuchProcess):
                children = process.children()
                process.terminate()
            try:
                process.wait(40)
            finally:
                for left in [process, *children]:
                    with suppress(psutil.NoSuchProcess):
                        left.kill()
                process.stdout.close()


def new_token(dsn: str) -> str:
    """Create a tenant whose orders begin with their first event, and return a token that allows everything."""
    return new_tenant(dsn)[1]


def new_tenant(dsn: str) -> tuple[str, str]:
    """Do the same, and return the tenant's name too."""

    async def create() -> tuple[str, str]:
        tenant = new_id()
        await create_tenant(dsn, tenant, is_implicit=True, dintero_account=None)
        return tenant, str((await create_key(dsn, tenant, scopes=("admin",), name="Test"))["token"])

    return asyncio.run(create())


def timed(send: Callable[[], httpx.Response]) -> tuple[httpx.Response, float]:
    """Return an answer, and how many seconds it took."""
    began = time.monotonic()
    return send(), time.monotonic() - began


def write(http: httpx.Client, order_id: str = "A-1", **event: Any) -> httpx.Response:
    return http.post(f"{ORDERS}/{order_id}/events", json=status("confirmed", **event))


def read(http: httpx.Client, order_id: str = "A-1") -> httpx.Response:
    return http.get(f"{ORDERS}/{order_id}")


def assert_refused(answer: httpx.Response, seconds: float) -> None:
    """Assert that a request was refused for want of a database, soon, and that it says when to try again."""
    assert answer.status_code == 503, answer.text
    assert answer.headers["retry-after"] == "1"
    assert answer.headers["x-request-id"]
    assert seconds < REFUSED_SECONDS + NOISE_SECONDS


def assert_is_back(http: httpx.Client) -> None:
    """Assert that writes and reads are served soon."""
    began = time.monotonic()
    for send in (write, read):
        wait_until(lambda send=send: send(http).status_code in {200, 201})
    assert time.monotonic() - began < RETURN_SECONDS + NOISE_SECONDS


def assert_written_once(http: httpx.Client, event_ids: list[str]) -> None:
    """Assert that the ledger has each of these events, and none twice."""
    found, after = [], 0
    while items := http.get("/trail/v1/feed", params={"after": after, "limit": 1_000}).json()["items"]:
        found += [item["id"] for item in items]
        after = items[-1]["position"]
    assert len(found) == len(set(found))
    assert set(event_ids) <= set(found)
