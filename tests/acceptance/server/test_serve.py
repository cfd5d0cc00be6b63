"""`ordertrail serve` as its users run it: how it starts, what it survives, and how it ends."""

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest

from api.cli.maintenance import create_key, create_tenant
from infrastructure.embedded import server as embedded
from tests.fix_embedded import elsewhere, is_up, wait_until
from tests.fix_server import ORDERTRAIL, running
from tests.native import ORDERS, an_order, append, new_id, status


@dataclass(frozen=True)
class Serving:
    """A server on a data directory, and the processes it began with."""

    url: str
    process: psutil.Popen
    children: list[psutil.Process]

    def child(self, name: str) -> psutil.Process:
        """Return the child that is a worker ("http") or the projector, once there is one."""
        found: list[psutil.Process] = []

        def is_there() -> bool:
            found[:] = [p for p in self.process.children() if _name(p) == f"trail-{name}"]
            return bool(found)

        wait_until(is_there)
        return found[0]

    def has_left(self) -> bool:
        return not any(_is_alive(process) for process in self.children)


@contextmanager
def serving(data_dir: Path, *arguments: str) -> Iterator[Serving]:
    """Serve a data directory, in a process group of its own as a shell would; kill what is left of it afterwards."""
    command = [str(ORDERTRAIL), "serve", "--port", "0", "--data-dir", str(data_dir), *arguments]
    process = psutil.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    children: list[psutil.Process] = []
    try:
        line = process.stdout.readline()
        assert line.startswith("Ordertrail is at "), line
        children = process.children()
        yield Serving(line.split()[3].rstrip(","), process, children)
    finally:
        for left in [process, *children]:
            with suppress(psutil.NoSuchProcess):
                left.kill()
        process.communicate()


def cli(data_dir: Path, *arguments: str) -> str:
    """Run a command on a data directory and return what it prints."""
    command = [str(ORDERTRAIL), *arguments, "--data-dir", str(data_dir)]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout


@contextmanager
def a_client(server: Serving, data_dir: Path) -> Iterator[httpx.Client]:
    """A client of a tenant that was created by command line while the server runs."""
    tenant = new_id()
    cli(data_dir, "tenant", "create", tenant)
    token = json.loads(cli(data_dir, "key", "create", "--tenant", tenant, "--json"))["token"]
    with httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {token}"}, timeout=30) as client:
        yield client


def _name(process: psutil.Process) -> str:
    try:
        return process.name()
    except psutil.NoSuchProcess:
        return ""


def _is_alive(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_everything_that_was_started(data_dir: Path, number: signal.Signals) -> None:
    with serving(data_dir, "--workers", "2") as server:
        assert len(server.children) >= 3
        assert is_up(data_dir)

        # Ctrl-C and the end of a terminal go to every process of its group.
        os.kill(server.process.pid, number) if number == signal.SIGTERM else os.killpg(server.process.pid, number)

        assert server.process.wait(60) == 0
        assert server.has_left()
        assert not is_up(data_dir)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_during_the_start_stops_what_was_started(data_dir: Path, number: signal.Signals) -> None:
    command = [str(ORDERTRAIL), "serve", "--port", "0", "--data-dir", str(data_dir)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
    wait_until(lambda: is_up(data_dir))

    process.send_signal(number)

    process.wait(60)
    wait_until(lambda: not is_up(data_dir))


def test_what_was_acknowledged_survives_the_sudden_death_of_everything(data_dir: Path) -> None:
    with serving(data_dir) as server, a_client(server, data_dir) as http:
        headers = http.headers
        order_id = http.post(ORDERS, json={}).json()["order_id"]
        for n in range(20):
            acknowledged = http.post(f"{ORDERS}/{order_id}/events", json=status(str(n))).json()["version"]
        server.process.kill()

        server.process.wait(30)
        wait_until(server.has_left)

    with serving(data_dir) as server:
        order = httpx.get(f"{server.url}{ORDERS}/{order_id}", headers=headers, timeout=30).json()
    assert (order["version"], order["status"]) == (acknowledged, "19")


def test_a_process_that_is_killed_is_started_again(data_dir: Path) -> None:
    with serving(data_dir) as server, a_client(server, data_dir) as http:
        for name in ("projector", "http"):
            before = server.child(name)
            before.kill()
            wait_until(lambda name=name, before=before: server.child(name).pid != before.pid)

            order_id = _answered(lambda: http.post(ORDERS, json={})).json()["order_id"]
            wait_until(lambda order_id=order_id: http.get(f"{ORDERS}/{order_id}").status_code == 200)


def test_a_database_that_is_killed_is_started_again(data_dir: Path) -> None:
    with serving(data_dir) as server, a_client(server, data_dir) as http:
        http.post(ORDERS, json={"order_id": "A-1"})
        postmaster = embedded._running(data_dir / "postgres")
        assert postmaster

        postmaster.kill()

        wait_until(lambda: _answered(lambda: http.post(ORDERS, json={})).status_code == 201)
        wait_until(lambda: http.get(f"{ORDERS}/A-1").status_code == 200)
        server.process.terminate()
        assert server.process.wait(60) == 0
    assert not is_up(data_dir)


def test_a_command_that_does_not_see_the_servers_processes_shares_its_database(data_dir: Path) -> None:
    with serving(data_dir) as server, a_client(server, data_dir) as http:
        before = embedded._running(data_dir / "postgres")

        command = [*elsewhere(data_dir), ORDERTRAIL, "tenant", "create", "other", "--data-dir", data_dir]
        subprocess.run(command, check=True, timeout=120)

        assert embedded._running(data_dir / "postgres") == before
        assert http.post(ORDERS, json={"order_id": "A-1"}).status_code == 201
        assert '"other"' in cli(data_dir, "key", "create", "--tenant", "other", "--json")


def test_commands_work_beside_a_running_server_and_leave_it_running(data_dir: Path) -> None:
    with serving(data_dir) as server, a_client(server, data_dir) as http:
        http.post(ORDERS, json={"order_id": "A-1"})

        cli(data_dir, "rebuild")
        cli(data_dir, "migrate")

        assert http.get(f"{ORDERS}/A-1").status_code == 200
        assert is_up(data_dir)


async def test_what_is_answered_while_the_server_stops_is_stored(dsn: str) -> None:
    with running(dsn) as server:
        key = await _key(dsn)
        async with httpx.AsyncClient(base_url=server.url, headers=key, timeout=30) as http:
            orders = [await an_order(http) for _ in range(8)]

            async def write(order_id: str) -> int:
                count = 0
                with suppress(httpx.TransportError):
                    while (await append(http, order_id, status())).status_code == 201:
                        count += 1
                return count

            writers = [asyncio.create_task(write(order_id)) for order_id in orders]
            await _until_events(dsn, 100)
            server.process.terminate()
            acknowledged = sum(await asyncio.gather(*writers))

        assert server.process.wait(30) == 0
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        cursor = await connection.execute("SELECT count(*) FROM ordertrail.events WHERE version > 1")
        [(stored,)] = await cursor.fetchall()
    # Of each writer one answer may have been lost with its connection.
    assert acknowledged <= stored <= acknowledged + len(orders)


async def test_workers_share_one_database(dsn: str) -> None:
    with running(dsn, "--workers", "2") as server:
        workers = [p for p in psutil.Process(server.process.pid).children() if p.name() == "trail-http"]
        limits = httpx.Limits(max_keepalive_connections=0)
        async with httpx.AsyncClient(base_url=server.url, headers=await _key(dsn), limits=limits, timeout=30) as http:
            order_id = await an_order(http)
            answers = await asyncio.gather(*[append(http, order_id, status()) for _ in range(60)])

        assert len(workers) == 2
        assert sorted(answer.json()["version"] for answer in answers) == list(range(2, 62))


async def test_a_database_of_the_oldest_release_serves_as_well(postgres15_dsn: str) -> None:
    with running(postgres15_dsn) as server:
        async with httpx.AsyncClient(base_url=server.url, headers=await _key(postgres15_dsn), timeout=30) as http:
            order_id = await an_order(http)
            await append(http, order_id, status("open"))

            assert (await http.get(f"{ORDERS}/{order_id}")).json()["status"] == "open"
            assert (await http.get("/readyz")).json()["status"] == "ok"


@pytest.mark.parametrize(("host", "shown"), [("::1", "[::1]"), ("localhost", None), ("127.0.0.1", "127.0.0.1")])
def test_the_printed_address_is_the_one_that_answers(dsn: str, host: str, shown: str | None) -> None:
    with running(dsn, "--host", host) as server:
        assert shown is None or server.url.startswith(f"http://{shown}:")
        assert not server.url.endswith(":0")
        assert httpx.get(f"{server.url}/healthz").json() == {"status": "ok"}
        assert httpx.get(f"{server.url}/readyz").json()["status"] == "ok"


def test_without_its_database_a_server_says_that_it_is_not_ready(dsn: str) -> None:
    with running(dsn) as server:
        with psycopg.connect(dsn, autocommit=True) as connection:
            name = connection.info.dbname
        with psycopg.connect(dsn, dbname="postgres", autocommit=True) as connection:
            connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])

            ready, alive = httpx.get(f"{server.url}/readyz", timeout=30), httpx.get(f"{server.url}/healthz")

            connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        assert (ready.status_code, alive.status_code) == (503, 200)
        assert ready.headers["retry-after"] == "1"
        wait_until(lambda: httpx.get(f"{server.url}/readyz", timeout=30).status_code == 200)


async def _key(dsn: str) -> dict[str, str]:
    """Return the headers of a tenant of the test's own."""
    tenant = new_id()
    await create_tenant(dsn, tenant, is_implicit=False, dintero_account=None)
    token = (await create_key(dsn, tenant, scopes=("admin",), name="Test"))["token"]
    return {"Authorization": f"Bearer {token}"}


async def _until_events(dsn: str, count: int) -> None:
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        while True:
            row = await (await connection.execute("SELECT max(position) FROM ordertrail.ledgers")).fetchone()
            if row is not None and row[0] >= count:
                return


def _answered(send: Callable[[], httpx.Response]) -> httpx.Response:
    """Send a request until a worker takes it."""
    answers: list[httpx.Response] = []

    def is_answered() -> bool:
        with suppress(httpx.TransportError):
            answers.append(send())
        return bool(answers)

    wait_until(is_answered)
    return answers[0]


def test_a_server_whose_processes_cannot_start_gives_up(dsn: str) -> None:
    command = [str(ORDERTRAIL), "serve", "--port", "0", "--dsn", dsn]
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("UPDATE ordertrail.installation SET value = value || 'x' WHERE name = 'token key'")

    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)

    assert result.returncode == 1
    assert result.stderr.splitlines()[-1].startswith("ordertrail: A process of the server ends as soon as")
