"""`ordertrail consume` runs a command for each event, in each order's order."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from tests.fix_server import ORDERTRAIL, Account

COMMAND = """
import json, os, pathlib, sys
event = json.load(sys.stdin)
assert str(event["position"]) == os.environ["ORDERTRAIL_EVENT_POSITION"]
assert "ORDERTRAIL_TOKEN" not in os.environ
with open(sys.argv[1], "a") as log:
    log.write(json.dumps([event["subject"], event["position"], event["attempt"]]) + "\\n")
bad = pathlib.Path(sys.argv[1] + ".bad")
sys.exit(7 if bad.exists() and str(event["position"]) == bad.read_text() else 0)
"""


@pytest.fixture
async def orders(http: httpx.AsyncClient) -> None:
    """A consumer, and six events of three orders."""
    for order in "ABC":
        assert (await http.post("/trail/v1/orders", json={"order_id": order})).is_success
    for order in "ABC":
        event = {"type": "order.comment_added", "data": {"text": "Hi"}}
        assert (await http.post(f"/trail/v1/orders/{order}/events", json=event)).is_success
    assert (await http.put("/trail/v1/consumers/files", json={"from": "start", "max_failures": 2})).is_success


async def start(account: Account, folder: Path, *arguments: str) -> Process:
    folder.joinpath("command.py").write_text(COMMAND)
    command = f"{sys.executable} {folder / 'command.py'} {folder / 'log'}"
    environment = os.environ | {"ORDERTRAIL_TOKEN": account.token}
    given = ["consume", "files", "--url", account.url, "--exec", command, *arguments]
    return await asyncio.create_subprocess_exec(ORDERTRAIL, *given, env=environment, stdout=PIPE, stderr=PIPE)


def log(folder: Path) -> list[list[object]]:
    path = folder / "log"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.mark.usefixtures("orders")
async def test_a_command_that_fails_holds_up_its_order_alone(
    account: Account, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    tmp_path.joinpath("log.bad").write_text("1")

    process = await start(account, tmp_path, "--once", "--delay", "0")
    said, told = await process.communicate()
    (parked,) = (await http.get("/trail/v1/consumers/files/parked")).json()["items"]

    assert (process.returncode, said.decode()) == (0, "4 events were handled.\n")
    assert sorted(log(tmp_path)) == [
        ["order-A", 1, 1],
        ["order-A", 1, 2],
        ["order-B", 2, 1],
        ["order-B", 5, 1],
        ["order-C", 3, 1],
        ["order-C", 6, 1],
    ]
    assert "Position 1 of order-A was refused: The command exited with 7" in told.decode()
    assert (parked["subject"], parked["reason"]) == ("order-A", "The command exited with 7")


@pytest.mark.usefixtures("orders")
async def test_it_waits_for_more_and_leaves_when_it_is_told_to(
    account: Account, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    process = await start(account, tmp_path)
    async with asyncio.timeout(60):
        while len(log(tmp_path)) < 6:  # noqa: ASYNC110 another process writes it
            await asyncio.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    said, _ = await process.communicate()
    consumer = (await http.get("/trail/v1/consumers/files")).json()

    assert (process.returncode, said.decode()) == (0, "6 events were handled.\n")
    assert (consumer["lag_events"], consumer["members"]) == (0, [])


async def test_it_leaves_when_it_is_told_to_although_no_server_answers(account: Account, tmp_path: Path) -> None:
    process = await start(replace(account, url="http://127.0.0.1:1"), tmp_path)
    assert process.stderr is not None
    assert b"does not answer, and is asked again" in await process.stderr.readline()

    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(60):
        said, _ = await process.communicate()

    assert (process.returncode, said.decode()) == (0, "0 events were handled.\n")


async def test_a_consumer_that_does_not_exist_is_said_to(account: Account, tmp_path: Path) -> None:
    process = await start(account, tmp_path)
    _, told = await process.communicate()

    assert process.returncode == 1
    assert told.decode() == ("ordertrail: There is no consumer 'files'; create it with PUT /trail/v1/consumers/files\n")
