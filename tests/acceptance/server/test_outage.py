"""A database that goes away and comes back: requests are refused at once, served again soon, and nothing is lost."""

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tests.fix_embedded import run, wait_until
from tests.native import new_id
from tests.outage import (
    NOISE_SECONDS,
    Postgres,
    Served,
    assert_is_back,
    assert_refused,
    assert_written_once,
    new_token,
    postgres_in,
    read,
    served,
    timed,
    write,
)

AWAY_SECONDS = 5.0


@pytest.fixture(scope="module")
def postgres(used_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A server that these tests take away in turn, each giving it back."""
    data_dir = used_dir.with_name("outage")
    subprocess.run(["cp", "-a", used_dir, data_dir], check=True)
    with postgres_in(data_dir) as server:
        yield server


@pytest.fixture(scope="module")
def server(postgres: Postgres) -> Iterator[Served]:
    token = new_token(postgres.dsn)
    with served("--dsn", postgres.dsn, "--workers", 2, token=token, ORDERTRAIL_SHOPLINE_RATE="0") as running:
        with running.client() as http:
            assert write(http).status_code == 201
        yield running


class Writer(threading.Thread):
    """Somebody who writes all the time, each event until it is known to be stored, and notes what was acknowledged."""

    def __init__(self, server: Served) -> None:
        super().__init__()
        self._server = server
        self._is_over = threading.Event()
        self.acknowledged: list[str] = []
        self.statuses: set[int] = set()

    def run(self) -> None:
        while not self._is_over.is_set():
            event_id = new_id()
            while not self._acknowledged(event_id) and not self._is_over.is_set():
                time.sleep(0.02)

    def _acknowledged(self, event_id: str) -> bool:
        try:
            with self._server.client() as http:
                answer = write(http, "A-2", event_id=event_id)
        except httpx.TransportError:
            return False
        self.statuses.add(answer.status_code)
        if answer.status_code == 201:
            self.acknowledged.append(event_id)
        return answer.status_code == 201

    def __enter__(self) -> "Writer":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self.join()


OUTAGES: dict[str, tuple[Callable[[Postgres], None], Callable[[Postgres], None]]] = {
    "it crashes": (Postgres.crash, Postgres.start),
    "it does not answer": (Postgres.freeze, Postgres.thaw),
}


@pytest.fixture(autouse=True)
def given_back(postgres: Postgres) -> Iterator[None]:
    """Whatever a test did, the next one finds a server."""
    yield
    postgres.thaw()
    postgres.start()


@pytest.mark.parametrize("kind", OUTAGES)
def test_a_database_that_goes_away_takes_no_event_along_and_is_used_again_soon(
    postgres: Postgres, server: Served, kind: str
) -> None:
    take, give_back = OUTAGES[kind]

    with server.client() as http, Writer(server) as writer:
        wait_until(lambda: len(writer.acknowledged) > 20)
        take(postgres)
        # What ends meanwhile comes back without a database, and waits for it.
        for name in ("projector", "http"):
            server.child(name).kill()
        until = time.monotonic() + AWAY_SECONDS
        while time.monotonic() < until:
            # What is on its way when the database goes is looked for when it is back; that is the other one's.
            for send in (read, write, ready, an_action_log):
                assert_refused(*timed(lambda send=send: answered(send, http)))
            assert http.get("/healthz").status_code == 200
        give_back(postgres)
        assert_is_back(http)
        before = len(writer.acknowledged)
        wait_until(lambda: len(writer.acknowledged) > before + 20)

    with server.client() as http:
        assert_written_once(http, writer.acknowledged)


def answered(send: Callable[[httpx.Client], httpx.Response], http: httpx.Client) -> httpx.Response:
    """Return an answer, by another worker if the one that was asked was killed."""
    try:
        return send(http)
    except httpx.TransportError:
        return send(http)


def ready(http: httpx.Client) -> httpx.Response:
    return http.get("/readyz")


def an_action_log(http: httpx.Client) -> httpx.Response:
    answer = http.get("/v1/orders/A-1/action_logs")
    assert answer.status_code == 200 or answer.json()["code"] == "ServiceUnavailable", answer.text
    return answer


def test_a_database_that_takes_no_writes_is_read_and_says_why_it_is_not_written(
    postgres: Postgres, server: Served
) -> None:
    with server.client() as http:
        postgres.configure("default_transaction_read_only = on")
        try:
            wait_until(lambda: write(http).status_code == 503)
            answer, seconds = timed(lambda: write(http))
            assert_refused(answer, seconds)
            assert "takes no writes at the moment" in answer.json()["detail"]
            assert read(http).status_code == 200
            wait_until(lambda: ready(http).json()["status"] == "degraded")
            assert "read-only" in ready(http).json()["writes"]
        finally:
            postgres.configure(None)
        assert_is_back(http)
        wait_until(lambda: ready(http).json()["status"] == "ok")
    assert server.told("Writes are taken again after")


def test_an_outage_is_told_when_it_begins_and_when_it_is_over_and_not_for_every_request(
    postgres: Postgres, server: Served
) -> None:
    with server.client() as http:
        before = len(server.log.splitlines())
        postgres.crash()
        wait_until(lambda: ready(http).status_code == 503)
        for _ in range(100):
            assert write(http).status_code == 503
        postgres.start()
        assert_is_back(http)
        wait_until(lambda: len([line for line in server.log.splitlines()[before:] if "is back after" in line]) == 3)

    told = server.log.splitlines()[before:]
    assert [line for line in told if "http[" in line and "The database is away" in line]
    assert len(told) < 40, "\n".join(told)
    assert "Traceback" not in server.log, server.log


def test_a_disk_that_is_full_is_named_to_who_writes_and_with_the_request_in_the_log(
    postgres: Postgres, server: Served
) -> None:
    run(postgres.dsn, FULL_DISK)
    run(postgres.dsn, FILL_DISK)
    try:
        with server.client(**{"X-Request-Id": "my-request-53"}) as http:
            answer = write(http)
            assert read(http).status_code == 200
    finally:
        run(postgres.dsn, "DROP TRIGGER full_disk ON ordertrail.events")

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert answer.headers["x-request-id"] == "my-request-53"
    assert "disk is full" in answer.json()["detail"]
    [line] = server.told("my-request-53")
    assert "POST /trail/v1/orders/A-1/events" in line
    assert 'PostgreSQL: 53100 could not extend file "base/5/1": No space left on device Check free disk space.' in line


FULL_DISK = """
    CREATE OR REPLACE FUNCTION public.full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE disk_full USING
            MESSAGE = 'could not extend file "base/5/1": No space left on device', HINT = 'Check free disk space.';
        END
    $$
"""
FILL_DISK = "CREATE TRIGGER full_disk BEFORE INSERT ON ordertrail.events EXECUTE FUNCTION public.full_disk()"


@pytest.mark.parametrize(("table", "send"), [("ledgers", write), ("order_state", read)])
def test_a_lock_that_somebody_holds_is_named_in_time(
    postgres: Postgres, server: Served, table: str, send: Callable[[httpx.Client], httpx.Response]
) -> None:
    with psycopg.connect(postgres.dsn) as holder, server.client(**{"X-Request-Id": f"locked-{table}"}) as http:
        holder.execute(f"LOCK ordertrail.{table}")
        answer, seconds = timed(lambda: send(http))

    assert answer.status_code == 503
    assert "Somebody else has locked what this needs" in answer.json()["detail"]
    assert seconds < 15 + NOISE_SECONDS
    [line] = server.told(f"locked-{table}")
    assert "PostgreSQL: 55P03 canceling statement due to lock timeout" in line
    assert " /trail/v1/orders/A-1" in line


def test_a_statement_that_takes_too_long_is_given_up_in_time_and_named(postgres: Postgres, server: Served) -> None:
    run(postgres.dsn, SLEEPING)
    run(postgres.dsn, "CREATE TRIGGER sleeping BEFORE INSERT ON ordertrail.events EXECUTE FUNCTION public.sleeping()")
    try:
        with server.client(**{"X-Request-Id": "slow-write"}) as http:
            answer, seconds = timed(lambda: write(http))
            is_ready = ready(http).status_code == 200
    finally:
        run(postgres.dsn, "DROP TRIGGER sleeping ON ordertrail.events")

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert "gave up a statement that took too long" in answer.json()["detail"]
    assert seconds < 15 + NOISE_SECONDS
    assert is_ready
    [line] = server.told("slow-write")
    assert "PostgreSQL: 57014 canceling statement due to statement timeout" in line


SLEEPING = """
    CREATE OR REPLACE FUNCTION public.sleeping() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN PERFORM pg_sleep(300); RETURN NEW; END
    $$
"""


def test_a_database_that_has_no_connection_left_says_so(postgres: Postgres) -> None:
    run(postgres.dsn, "CREATE ROLE shop LOGIN IN ROLE ordertrail_runtime")
    token = new_token(postgres.dsn)
    with served("--dsn", make_conninfo(postgres.dsn, user="shop"), token=token) as server, server.client() as http:
        assert write(http).status_code == 201

        run(postgres.dsn, "ALTER ROLE shop CONNECTION LIMIT 0")
        theirs = "FROM pg_stat_activity WHERE usename = 'shop'"
        run(postgres.dsn, f"SELECT pg_terminate_backend(pid) {theirs}")
        wait_until(lambda: run(postgres.dsn, f"SELECT count(*) {theirs}") == [(0,)])
        for send in (read, write, ready):
            answer, seconds = timed(lambda send=send: send(http))
            assert_refused(answer, seconds)
            assert "has no connection left for us" in answer.json()["detail"]
        run(postgres.dsn, "ALTER ROLE shop CONNECTION LIMIT -1")

        assert_is_back(http)
        assert server.told("53300 .*too many connections for role")


def test_errors_that_are_not_the_databases_have_the_requests_id_as_well(server: Served) -> None:
    with server.client(**{"X-Request-Id": "abc-123"}) as http:
        answers = [
            http.get("/nowhere"),
            http.get("/trail/v1/orders/none-such"),
            http.get("/trail/v1/orders/A-1", headers={"Authorization": "Bearer x"}),
            http.put("/v1/orders/A-1/action_logs"),
            http.post("/trail/v1/orders", content=b"{"),
        ]

    assert all(answer.status_code >= 400 for answer in answers)
    assert {answer.headers["x-request-id"] for answer in answers} == {"abc-123"}


@pytest.mark.parametrize("brought", ["", "a b", "x" * 129, '{"a": 1}', "ä"])
def test_an_id_that_would_break_a_line_of_the_log_is_not_taken_over(server: Served, brought: str) -> None:
    with server.client() as http:
        first, second = (http.get("/nowhere", headers={b"X-Request-Id": brought.encode()}) for _ in range(2))

    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    assert brought not in {first.headers["x-request-id"], second.headers["x-request-id"]}
