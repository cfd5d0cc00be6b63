"""A running server whose tiles were meddled with: what it says, what it hands out, and how it is mended."""

import json
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, LiteralString

import httpx
import psycopg
import pytest

from api.cli.maintenance import create_key, create_tenant
from infrastructure.postgres.session import runtime_dsn
from tests.auditor import Auditor
from tests.commands import ordertrail
from tests.fix_embedded import wait_until
from tests.fix_postgres import database
from tests.fix_server import Server, running
from tests.native import ORDERS, an_order, append, assert_problem, status

LEDGER = "/trail/v1/ledger"
RECEIPT = {"Prefer": "receipt"}


class Shop:
    """A server with one tenant."""

    def __init__(self, server: Server, http: httpx.AsyncClient) -> None:
        self.server, self.http = server, http

    def meddle(self, sql: LiteralString) -> None:
        """Do what the running service may do in the database."""
        with psycopg.connect(runtime_dsn(self.server.dsn), autocommit=True) as connection:
            connection.execute(sql)

    def tamper(self, sql: LiteralString) -> None:
        """Do what only a superuser can."""
        with psycopg.connect(self.server.dsn, autocommit=True) as connection:
            connection.execute(sql)

    def ordertrail(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        return ordertrail(*arguments, "--dsn", self.server.dsn)

    def ready(self) -> dict[str, Any]:
        answer: dict[str, Any] = httpx.get(f"{self.server.url}/readyz").json()
        return answer

    def metric(self, line: str) -> float:
        metrics = httpx.get(f"{self.server.url}/metrics").text.splitlines()
        return next(float(text.rpartition(" ")[2]) for text in metrics if text.startswith(f"{line} "))

    async def sealed(self) -> int:
        return int((await self.http.get(f"{LEDGER}/checkpoint")).text.split("\n")[1])


@pytest.fixture
async def shop(server_dsn: str, template_name: str) -> AsyncIterator[Shop]:
    """A server of the test's own, with a tenant that has six events, which are sealed."""
    with database(server_dsn, template=template_name) as dsn, running(dsn) as server:
        await create_tenant(dsn, "acme", is_implicit=False, dintero_account=None)
        key = await create_key(dsn, "acme", scopes=("admin",), name="Test")
        headers = {"Authorization": f"Bearer {key['token']}"}
        async with httpx.AsyncClient(base_url=server.url, headers=headers, timeout=30) as http:
            await an_order(http, order_id="A-1")
            await append(http, "A-1", *[status(f"s{n}") for n in range(5)], **RECEIPT)
            shop = Shop(server, http)
            assert shop.ready()["status"] == "ok"
            yield shop


async def test_a_forged_leaf_stops_sealing_until_it_is_repaired(shop: Shop, tmp_path: Path) -> None:
    auditor = Auditor(tmp_path, (await shop.http.get("/trail/v1/ledgers/acme/keys")).text)
    old = (await shop.http.get(f"{LEDGER}/checkpoint")).text
    shop.meddle("UPDATE ordertrail.tiles SET hashes = overlay(hashes PLACING decode(repeat('ab', 32), 'hex') FROM 65)")

    answer = await append(shop.http, "A-1", status("late"), **RECEIPT)
    wait_until(lambda: shop.ready()["status"] == "degraded")

    assert answer.status_code == 201
    assert "receipt" not in answer.json()
    assert shop.ready()["stopped"] == {"sealing": 1}
    assert shop.ready()["lag"]["sealing"] == 1
    assert shop.metric("ordertrail_sealing_stopped_tenants") == 1
    assert shop.metric("ordertrail_unsealed_events") == 1
    assert (await shop.http.get(f"{LEDGER}/checkpoint")).text == old
    refused = await shop.http.get(f"{LEDGER}/proofs/inclusion", params={"position": 2})
    assert_problem(refused, 500, "unproven")
    assert refused.json()["detail"] == (
        "The proof does not show that the event at position 2 is one of the 6 events that were signed. "
        "Trying again does not help until the operator has repaired it"
    )
    unsealed = await shop.http.get(f"{ORDERS}/A-1/proofs")
    assert_problem(unsealed, 404)
    assert unsealed.json()["detail"].startswith("Event 7 is not sealed: sealing of its ledger has stopped")

    verified = shop.ordertrail("verify", "--tenant", "acme")
    assert verified.returncode == 1
    assert verified.stdout == (
        "acme: DAMAGED: tile 0 of level 0, which proofs are made of, differs from the ledger\n"
        "acme: sealing has stopped: the kept hashes do not have the root that was signed for 6 events; "
        "run ordertrail repair tiles --tenant acme\n"
    )

    repaired = shop.ordertrail("repair", "tiles", "--tenant", "acme")
    assert (repaired.returncode, repaired.stderr) == (0, "")
    assert repaired.stdout.startswith("acme: the tree is that of 6 events under ")
    assert repaired.stdout.endswith(": 1 tiles replaced, 0 removed, sealing goes on\n")
    wait_until(lambda: shop.ready()["lag"]["sealing"] == 0)
    assert shop.ready()["status"] == "ok"
    assert await shop.sealed() == 7
    assert auditor.check((await shop.http.get(f"{ORDERS}/A-1/proofs")).json()).startswith("PROVEN: 7 events are")
    new = (await shop.http.get(f"{LEDGER}/checkpoint")).text
    proof = (await shop.http.get(f"{LEDGER}/proofs/consistency", params={"from": 6, "to": 7})).json()
    assert auditor.check(proof, old, new).startswith("PROVEN: the ledger of 7 events begins with all 6")
    assert shop.ordertrail("verify", "--tenant", "acme").returncode == 0


async def test_what_cannot_be_repaired_is_said_in_one_line(shop: Shop) -> None:
    shop.tamper("UPDATE ordertrail.events SET data = data || ' ' WHERE position = 3")

    result = shop.ordertrail("repair", "tiles", "--tenant", "acme", "--json")

    assert (result.returncode, result.stdout) == (1, "")
    [line] = result.stderr.splitlines()
    assert line.startswith("ordertrail: The tiles of acme cannot be repaired, and were left as they are: events 1 to ")


async def test_what_was_repaired_is_printed_as_json_too(shop: Shop) -> None:
    shop.meddle("UPDATE ordertrail.trees SET size = size + 1")

    result = shop.ordertrail("repair", "tiles", "--tenant", "acme", "--json")

    printed = json.loads(result.stdout)
    assert (printed["tenant"], printed["events"], printed["sealed"], printed["noted_size"]) == ("acme", 6, 6, 7)
    assert (printed["replaced"], printed["removed"]) == (0, 0)
    assert shop.ready()["status"] == "ok"


async def test_only_a_tenant_that_there_is_can_be_repaired(shop: Shop) -> None:
    result = shop.ordertrail("repair", "tiles", "--tenant", "nobody")

    assert (result.returncode, result.stdout) == (1, "")
    assert "There is no tenant 'nobody'" in result.stderr


@pytest.mark.parametrize("noted", ["0", "size - 1", "size + 1", "size + 100"])
async def test_a_tree_that_is_noted_wrong_is_said_at_once_and_sealed_on_when_it_is_repaired(
    shop: Shop, noted: LiteralString
) -> None:
    shop.meddle(f"UPDATE ordertrail.trees SET size = {noted}")

    wait_until(lambda: shop.ready()["stopped"] == {"sealing": 1})
    await append(shop.http, "A-1", status("late"))
    assert shop.metric("ordertrail_sealing_stopped_tenants") == 1
    verified = shop.ordertrail("verify")
    assert verified.returncode == 1
    assert "acme: DAMAGED: the tree's kept size is " in verified.stdout

    assert shop.ordertrail("repair", "tiles", "--tenant", "acme").returncode == 0
    wait_until(lambda: shop.ready()["lag"]["sealing"] == 0)
    assert await shop.sealed() == 7


async def test_a_view_that_is_ahead_is_said_until_it_is_rebuilt(shop: Shop) -> None:
    shop.meddle("UPDATE ordertrail.checkpoints SET position = 8 WHERE projection = 'timeline'")
    wait_until(lambda: shop.ready()["stopped"] == {"timeline": 1})
    for _ in range(4):
        await append(shop.http, "A-1", status("late"))

    timeline = await shop.http.get(f"{ORDERS}/A-1/timeline")

    assert timeline.headers["ordertrail-lag"] == "10"
    assert shop.metric('ordertrail_projection_stopped_tenants{projection="timeline"}') == 1
    verified = shop.ordertrail("verify", "--tenant", "acme")
    assert verified.returncode == 1
    assert "acme: DAMAGED: view timeline was noted to have read more events than there were" in verified.stdout
    assert shop.ordertrail("verify", "--views", "--tenant", "acme").returncode == 1

    assert shop.ordertrail("rebuild", "timeline", "--tenant", "acme").returncode == 0
    timeline = await shop.http.get(f"{ORDERS}/A-1/timeline")
    assert "ordertrail-lag" not in timeline.headers
    assert len(timeline.json()["items"]) == 10
    assert shop.ready()["status"] == "ok"
