"""Reads from a standby: of two real servers, whose standby is paused, frozen, killed, and promoted."""

import asyncio
import re
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from api.cli.maintenance import create_key, create_tenant
from infrastructure.postgres.database import open_pool, reading
from infrastructure.postgres.standby import look_at_standby
from tests.fix_embedded import run, wait_until
from tests.native import ORDERS, status
from tests.outage import NOISE_SECONDS, Postgres, Served, postgres_in, served, timed, write
from tests.standby import Standby, opened, standby_of, until

POSITION = "Ordertrail-Position"
ACCOUNT = "T12345678"
REPORT = {"service": "mail", "state": "success", "service_status": "sent"}
READS = (
    ORDERS,
    f"{ORDERS}?text=ann",
    f"{ORDERS}/A-1",
    f"{ORDERS}/web-1",
    f"{ORDERS}/A-1?version=1",
    f"{ORDERS}/A-1?at=2100-01-01T00:00:00Z",
    f"{ORDERS}/A-1/diff",
    f"{ORDERS}/A-1/timeline",
    f"{ORDERS}/web-1/timeline?order=desc",
    "/trail/v1/feed",
    "/trail/v1/feed?order=web-1&type=order.created",
    "/trail/v1/integrations/7",
    "/trail/v1/integrations/7/logs",
    "/orders/A-1/system-logs",
    "/orders/web-1/system-logs?key=partner_order_reference",
    "/orders/A-1/system-logs/0000000000000000003",
    "/orders/A-1/change-logs",
    "/v1/orders/A-1",
    "/v1/orders/A-1/action_logs",
    "/api/v3/integrations",
    "/api/v3/integrations/7",
    "/api/v3/integrations/logs",
    "/api/v3/integrations/7/logs",
    f"/v1/accounts/{ACCOUNT}/shopping/orders/A-1/events",
)


@dataclass(frozen=True)
class Shop:
    """A server whose reads may come from a standby, and a client with an order A-1 and an integration 7."""

    first: Postgres
    standby: Standby
    served: Served
    http: httpx.Client

    def read(self, path: str = f"{ORDERS}/A-1", *, shown: int | None = None) -> tuple[httpx.Response, str | None]:
        """Return an answer, and where it came from; None if that is not counted."""
        before = self._counts()
        answer = self.http.get(path, headers={} if shown is None else {POSITION: str(shown)})
        return answer, next((name for name, count in self._counts().items() if count != before[name]), None)

    def ready(self) -> dict[str, Any]:
        answer = self.http.get("/readyz")
        assert answer.status_code == 200, answer.text
        ready: dict[str, Any] = answer.json()
        return ready

    def metrics(self) -> dict[str, float]:
        lines = [line for line in self.http.get("/metrics").text.splitlines() if not line.startswith("#")]
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}

    def is_used(self) -> bool:
        return bool(self.ready()["standby"]["status"] == "used")

    def write(self) -> int:
        answer = write(self.http)
        assert answer.status_code == 201, answer.text
        return int(answer.headers[POSITION])

    def catch_up(self) -> int:
        """Wait until all views have read all, and the standby has it all; return the head."""
        head = int(self.http.get("/trail/v1/ledger").json()["head"])
        wait_until(lambda: not any(self.ready()["lag"].values()))
        self.standby.catch_up_with(self.first)
        return head

    def _counts(self) -> dict[str, float]:
        found = self.metrics()
        return {where: found[f"ordertrail_reads_of_{where}_total"] for where in ("standby", "primary")}


@pytest.fixture(scope="module")
def first(used_dir: Path) -> Iterator[Postgres]:
    with tempfile.TemporaryDirectory(prefix="ot-", dir="/tmp") as folder:
        subprocess.run(["cp", "-a", used_dir, Path(folder, "data")], check=True)
        with postgres_in(Path(folder, "data")) as server:
            yield server


@pytest.fixture(scope="module")
def shop(first: Postgres) -> Iterator[Shop]:
    with (
        standby_of(first) as standby,
        served("--dsn", first.dsn, ORDERTRAIL_READ_DSN=standby.dsn) as server,
        httpx.Client(base_url=server.url, timeout=25) as http,
    ):
        http.headers.update(_new_headers(first.dsn))
        order = {"order_id": "A-1", "reference": "web-1", "customer": {"id": "c-9", "name": "Ann Li"}}
        for method, path, body in (
            ("POST", ORDERS, order),
            ("PUT", "/trail/v1/integrations/7", {}),
            ("POST", "/orders/A-1/system-logs", {"type": "ORDER_CREATE"}),
            ("POST", f"{ORDERS}/A-1/events", status()),
            ("POST", f"/v1/accounts/{ACCOUNT}/shopping/orders/A-1/events", REPORT),
        ):
            answer = http.request(method, path, json=body)
            assert answer.is_success, answer.text
        shop = Shop(first, standby, server, http)
        wait_until(shop.is_used)
        yield shop


def _new_headers(dsn: str) -> dict[str, str]:
    """Create a tenant, and return the headers of a credential for all interfaces."""

    async def create() -> dict[str, str]:
        await create_tenant(dsn, "acme", is_implicit=True, dintero_account=ACCOUNT)
        key = await create_key(dsn, "acme", scopes=("admin",), name="Test")
        return {"Authorization": f"Bearer {key['token']}", "x-api-key": key["key_id"], "tenant-id": "acme"}

    return asyncio.run(create())


def test_every_read_that_takes_a_position_is_tried_here(shop: Shop) -> None:
    paths = shop.http.get("/openapi.json").json()["paths"]
    taking = {
        path
        for path, operations in paths.items()
        if any(parameter["name"] == POSITION for parameter in operations.get("get", {}).get("parameters", []))
    }

    tried = {
        path for path in paths for read in READS if re.fullmatch(re.sub(r"{\w+}", "[^/]+", path), read.split("?")[0])
    }

    assert taking <= tried


@pytest.mark.parametrize("path", READS)
def test_every_read_comes_from_a_standby_that_shows_enough(shop: Shop, path: str) -> None:
    head = shop.catch_up()
    answers = {}

    for shown in (head, 0, None):
        answers[shown], where = shop.read(path, shown=shown)
        assert (answers[shown].status_code, where) == (200, "standby"), answers[shown].text

    assert {answer.headers[POSITION] for answer in answers.values()} == {str(head)}
    # A link to a call is signed for a time.
    assert len({answer.text for answer in answers.values()}) == 1 or "/content?" in answers[head].text
    assert "ordertrail-lag" not in answers[head].headers


def test_a_paused_standby_answers_only_those_who_may_be_shown_so_little(shop: Shop) -> None:
    before = shop.catch_up()
    shop.standby.pause()
    try:
        written = shop.write()

        own, own_from = shop.read(shown=written)
        anyhow, anyhow_from = shop.read()
        earlier, earlier_from = shop.read(shown=before)
        feed, feed_from = shop.read(f"/trail/v1/feed?after={written}", shown=before)

        assert (own_from, own.headers[POSITION]) == ("primary", str(written))
        assert (anyhow_from, anyhow.headers[POSITION]) == ("primary", str(written))
        assert own.json()["version"] == anyhow.json()["version"] == earlier.json()["version"] + 1
        assert (earlier_from, earlier.headers[POSITION]) == ("standby", str(before))
        # Whoever has read further than the standby has come is not told that the ledger ends there.
        assert (feed_from, feed.status_code, feed.json()["next"]) == ("primary", 200, written)
        wait_until(lambda: shop.metrics()["ordertrail_standby_lag_seconds"] > 0.5)
        assert shop.ready()["standby"]["lag_bytes"] > 0
    finally:
        shop.standby.resume()
    shop.catch_up()
    assert shop.read(shown=written)[1] == "standby"
    wait_until(lambda: shop.metrics()["ordertrail_standby_lag_seconds"] == 0)


def test_what_was_erased_is_not_read_from_a_standby_that_has_yet_to_hear_of_it(shop: Shop) -> None:
    shop.http.post(ORDERS, json={"order_id": "A-2", "customer": {"id": "c-8", "name": "Bo Berg"}})
    before = shop.catch_up()
    assert "Bo Berg" in shop.read(f"{ORDERS}/A-2", shown=before)[0].text
    shop.standby.pause()
    try:
        assert shop.http.post("/orders/A-2/redact").status_code == 200

        for path in (f"{ORDERS}/A-2", f"{ORDERS}/A-2/timeline", f"{ORDERS}/A-2?version=1", "/trail/v1/feed?order=A-2"):
            answer, where = shop.read(path, shown=before)
            assert where == "primary"
            assert "Bo Berg" not in answer.text
            assert answer.status_code == 200
    finally:
        shop.standby.resume()
    shop.catch_up()
    answer, where = shop.read(f"{ORDERS}/A-2", shown=before)
    assert where == "standby"
    assert "Bo Berg" not in answer.text


def test_what_is_followed_and_what_is_missing_comes_from_the_primary(shop: Shop) -> None:
    head = shop.catch_up()

    missing, missing_from = shop.read(f"{ORDERS}/no-such", shown=head)
    held, held_from = shop.read(f"/trail/v1/feed?after={head}&wait=1", shown=head)

    assert (missing.status_code, missing_from) == (404, "primary")
    assert (held.status_code, held_from) == (200, None)


def test_a_killed_standby_fails_no_read_and_is_used_again_when_it_is_back(shop: Shop) -> None:
    head = shop.catch_up()
    shop.standby.crash()

    while shop.is_used():
        assert shop.read(shown=head)[0].status_code == 200
    answer, where = shop.read(shown=head)

    assert (answer.status_code, where) == (200, "primary")
    assert shop.metrics()["ordertrail_standby_up"] == 0
    assert "does not answer" in shop.ready()["standby"]["why"] or "reached" in shop.ready()["standby"]["why"]
    assert shop.ready()["status"] == "ok"
    shop.standby.start()
    wait_until(shop.is_used)
    assert shop.read(shown=head)[1] == "standby"
    assert shop.served.told("The standby is away")
    assert shop.served.told("The standby is back")


def test_a_standby_that_hangs_fails_no_read(shop: Shop) -> None:
    head = shop.catch_up()
    shop.read(shown=head)
    shop.standby.freeze()
    try:
        answer, seconds = timed(lambda: shop.http.get(f"{ORDERS}/A-1", headers={POSITION: str(head)}))

        assert answer.status_code == 200
        assert seconds < 5.0 + NOISE_SECONDS
        wait_until(lambda: not shop.is_used())
        assert shop.read(shown=head)[1] == "primary"
    finally:
        shop.standby.thaw()
    wait_until(shop.is_used)


async def test_sessions_on_a_standby_only_read_also_after_it_was_promoted(shop: Shop) -> None:
    async with opened(shop.first.dsn, shop.standby.dsn) as standby:
        await until(standby, None)
        async with reading(standby.pool) as connection:
            found = await (await connection.execute("SHOW default_transaction_read_only")).fetchone()

    assert found == ("on",)


async def test_a_standby_that_is_behind_is_seen_to_be(shop: Shop) -> None:
    shop.catch_up()
    shop.standby.pause()
    try:
        with psycopg.connect(shop.first.dsn, autocommit=True) as connection:
            connection.execute("SELECT pg_logical_emit_message(true, 'test', repeat('x', 10000))")

        # What is there when a worker starts has the schema of its release; so a standby that is behind is not used.
        async with opened(shop.first.dsn, shop.standby.dsn) as standby:
            await until(standby, "yet to come to where the primary was")
            shop.standby.resume()
            await until(standby, None)
            shop.standby.pause()
            with psycopg.connect(shop.first.dsn, autocommit=True) as connection:
                connection.execute("SELECT pg_logical_emit_message(true, 'test', repeat('x', 10000))")
            while standby.watch.lag[1] < 10_000:  # noqa: ASYNC110 what is waited for is the watch
                await asyncio.sleep(0.01)
            assert standby.watch.is_usable
            assert standby.watch.lag[0] > 0
            shop.standby.resume()
            while standby.watch.lag != (0.0, 0):  # noqa: ASYNC110 what is waited for is the watch
                await asyncio.sleep(0.01)
    finally:
        shop.standby.resume()
    async with open_pool(shop.first.dsn, size=1) as pool:
        found = await look_at_standby(shop.standby.dsn, pool)
    assert (found.why_not, found.lag_bytes) == (None, 0)


async def test_neither_a_promoted_standby_nor_one_of_a_primary_that_was_replaced_is_read_from(shop: Shop) -> None:
    head = shop.catch_up()
    with standby_of(shop.first) as third:
        async with opened(shop.first.dsn, third.dsn) as standby:
            await until(standby, None)

        run(shop.standby.dsn, "SELECT pg_promote()")

        wait_until(lambda: not shop.is_used())
        assert "was promoted" in shop.ready()["standby"]["why"]
        assert shop.read(shown=head)[1] == "primary"
        assert shop.served.told("Nothing is read from the standby: it is no standby")
        async with opened(shop.standby.dsn, third.dsn) as standby:
            await until(standby, "it follows timeline 1, and the primary is on 2")
