"""The system under test: a durable PostgreSQL behind a proxy, and servers, which are started again if they end."""

import asyncio
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg

from tests.clocks import Clock
from tests.faults.journal import Tenant
from tests.outage import Postgres, Served, postgres_in, served
from tests.paths import ROOT
from tests.proxy import Proxy, open_proxy

CATCH_UP_SECONDS = 300.0


class ProxyThread:
    """A proxy whose event loop is a thread of its own."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._opened = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    async def _run(self) -> None:
        self._loop, self._done = asyncio.get_running_loop(), asyncio.Event()
        async with open_proxy(self._dsn) as self._proxy:
            self.dsn = self._proxy.dsn
            self._opened.set()
            await self._done.wait()

    def __enter__(self) -> "ProxyThread":
        self._thread.start()
        self._opened.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._done.set)
        self._thread.join()

    def do(self, act: Callable[[Proxy], object]) -> None:
        """Have the proxy do this."""
        done = threading.Event()

        def perform() -> None:
            act(self._proxy)
            done.set()

        self._loop.call_soon_threadsafe(perform)
        done.wait()


class System:
    """What faults are done to."""

    def __init__(self, postgres: Postgres, proxy: ProxyThread, workers: int) -> None:
        self.postgres = postgres
        self.proxy = proxy
        self._workers = workers
        folder = postgres.data_dir.with_name("clock")
        folder.mkdir()
        self.clock = Clock(folder)
        """Puts the servers' clocks back."""
        self._settings = {"ORDERTRAIL_LOG_LEVEL": "error", "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}
        self._port = _free_port()
        self._stack = ExitStack()
        self.server: Served

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def serve(self) -> None:
        """Start the server, on the same port as before."""
        arguments = ("--dsn", self.proxy.dsn, "--workers", self._workers, "--port", self._port)
        self.server = self._stack.enter_context(served(*arguments, **self._settings))

    def restart(self) -> None:
        """Forget the server, which has ended, and start another."""
        self._stack.close()
        self.serve()

    @contextmanager
    def another_server(self) -> Iterator[Served]:
        """Run a second server on the same database."""
        with served("--dsn", self.proxy.dsn, **self._settings) as another:
            yield another

    def kill_all(self) -> None:
        """Kill the server and all its children at once."""
        for process in [self.server.process, *self.server.process.children()]:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.server.process.wait(30)

    def run(self, statement: str, *arguments: Any) -> list[Any]:
        """Run a statement as the database's owner."""
        with psycopg.connect(self.postgres.dsn, autocommit=True) as connection:
            cursor = connection.execute(statement, arguments)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def holding(self, statement: str, *arguments: Any) -> Iterator[None]:
        """Hold the locks of a statement."""
        with psycopg.connect(self.postgres.dsn) as connection:
            connection.execute(statement, arguments)  # type: ignore[arg-type]
            yield
            connection.rollback()

    def wait_until_it_serves(self, tenant: Tenant) -> None:
        """Wait until a read shows everything that was written before it."""
        with httpx.Client(base_url=self.url, headers=tenant.headers, timeout=30) as http:

            def is_fresh() -> bool:
                with suppress(httpx.HTTPError):
                    answer = http.get("/trail/v1/orders/shared/timeline", params={"limit": 1})
                    return answer.status_code == 200 and "ordertrail-lag" not in answer.headers
                return False

            deadline = time.monotonic() + CATCH_UP_SECONDS
            while not is_fresh():
                assert time.monotonic() < deadline, "the views do not catch up"

    def close(self) -> None:
        self._stack.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def running_system(data_dir: Path, *, workers: int) -> Iterator[System]:
    """Run the system in a data directory; it is durable as PostgreSQL comes."""
    with postgres_in(data_dir) as postgres, ProxyThread(postgres.dsn) as proxy:
        system = System(postgres, proxy, workers)
        system.serve()
        try:
            yield system
        finally:
            system.close()
