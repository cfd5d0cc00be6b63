"""`ordertrail replay`: a ledger's events, or what its orders were, as text or as lines of JSON."""

import json
import os
import subprocess
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from api.cli.main import app
from tests.fix_server import ORDERTRAIL, Account
from tests.native import ORDERS, an_order, append, status
from tests.terminal import Terminal


def replay(
    account: Account, *arguments: object, stdout: int = subprocess.PIPE, stderr: int = subprocess.PIPE
) -> subprocess.CompletedProcess[str]:
    command = [str(ORDERTRAIL), "replay", "--tenant", account.tenant, "--dsn", account.dsn, *map(str, arguments)]
    return subprocess.run(command, stdout=stdout, stderr=stderr, text=True, timeout=60, check=False)


def lines(account: Account, *arguments: object) -> list[dict[str, Any]]:
    """Return what a replay prints as lines of JSON."""
    result = replay(account, *arguments, "--format", "ndjson")
    assert (result.returncode, result.stderr) == (0, "")
    return [json.loads(line) for line in result.stdout.splitlines()]


async def told(http: httpx.AsyncClient) -> list[dict[str, Any]]:
    """Tell the story of two orders; return the feed."""
    await an_order(http, order_id="A-1", reference="web-1", customer={"id": "c-9", "name": "Ann Li"})
    await an_order(http, order_id="A-2")
    await append(http, "A-1", status("open", occurred_at="2026-03-01T12:00:00Z"))
    await append(http, "A-2", status("held"))
    await append(http, "A-1", status("shipped", occurred_at="2026-03-02T12:00:00Z"))
    items: list[dict[str, Any]] = (await http.get("/trail/v1/feed")).json()["items"]
    return items


async def test_events_are_printed_as_the_feed_has_them(http: httpx.AsyncClient, account: Account) -> None:
    feed = await told(http)

    assert lines(account) == feed
    assert lines(account, "--from", 2, "--to", 4) == feed[1:4]
    assert lines(account, "--from", 6) == lines(account, "--to", 0) == []
    assert lines(account, "--order", "A-1") == lines(account, "--order", "web-1") == [feed[0], feed[2], feed[4]]
    assert lines(account, "--order", "A-1", "--from", 2, "--to", 4) == [feed[2]]


async def test_a_first_position_beyond_the_next_is_refused(http: httpx.AsyncClient, account: Account) -> None:
    await told(http)

    beyond = replay(account, "--from", 7)

    assert (beyond.returncode, beyond.stdout) == (1, "")
    assert "Position 7 is beyond the ledger's head, which is 5" in beyond.stderr


async def test_events_are_printed_by_when_they_were_recorded(http: httpx.AsyncClient, account: Account) -> None:
    feed = await told(http)
    second, fourth = feed[1]["recordedtime"], feed[3]["recordedtime"]

    assert lines(account, "--from", second, "--to", fourth) == feed[1:4]
    assert lines(account, "--from", second, "--to", 2) == feed[1:2]
    assert lines(account, "--to", "2026-03-01T12:00:00Z") == lines(account, "--from", "2100-01-01T00:00:00Z") == []


async def test_events_are_printed_for_people_too(http: httpx.AsyncClient, account: Account) -> None:
    feed = await told(http)

    printed = replay(account, "--order", "A-2").stdout.splitlines()

    assert [line.split(maxsplit=5) for line in printed] == [
        ["2", feed[1]["recordedtime"], "order-A-2", "1", "order.created", '{"created_by":""}'],
        ["4", feed[3]["recordedtime"], "order-A-2", "2", "order.status_updated", '{"status":"held","reason":""}'],
    ]


async def test_what_orders_were_is_printed_as_the_interface_has_it(http: httpx.AsyncClient, account: Account) -> None:
    feed = await told(http)
    first, third = feed[0]["recordedtime"], feed[2]["recordedtime"]
    pasts = [(await http.get(f"{ORDERS}/{id_}", params={"at": third})).json() for id_ in ("A-1", "A-2")]

    assert lines(account, "--at", third) == pasts
    assert lines(account, "--at", third, "--order", "web-1") == pasts[:1]
    assert [order["order_id"] for order in lines(account, "--at", first)] == ["A-1"]
    by_producers = ("--at", "2026-03-01T12:00:00Z", "--clock", "occurred")
    assert [(order["order_id"], order["status"]) for order in lines(account, *by_producers)] == [("A-1", "open")]


async def test_what_an_order_was_is_printed_for_people_too(http: httpx.AsyncClient, account: Account) -> None:
    third = (await told(http))[2]["recordedtime"]

    head, *fields = replay(account, "--at", third, "--order", "A-1").stdout.splitlines()

    assert head == f"A-1 at version 2, position 3, recorded {third}"
    told_fields = dict(field.split(maxsplit=1) for field in fields)
    assert (told_fields["status"], told_fields["customer"]) == ('"open"', '{"id":"c-9","name":"Ann Li"}')


async def test_a_redacted_order_is_replayed_without_its_customer(http: httpx.AsyncClient, account: Account) -> None:
    third = (await told(http))[2]["recordedtime"]
    await append(http, "A-1", {"type": "order.redacted", "data": {}})

    for arguments in ((), ("--order", "A-1"), ("--at", third), ("--at", third, "--order", "A-1")):
        printed = replay(account, *arguments).stdout
        assert "A-1" in printed
        assert "Ann Li" not in printed
        assert "[redacted]" in printed


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--order", "nobody"), "no order 'nobody'"),
        (("--order", "nobody", "--at", "2026-03-01T12:00:00Z"), "no order 'nobody'"),
        (("--order", "A-1", "--at", "2026-03-01T12:00:00Z"), "none of its events had been recorded by 2026-03-01"),
        (("--tenant", "nobody"), "no tenant 'nobody'"),
    ],
)
async def test_what_there_is_not_is_said_in_one_line(
    http: httpx.AsyncClient, account: Account, arguments: tuple[str, ...], word: str
) -> None:
    await told(http)

    result = replay(account, *arguments)

    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("ordertrail: ")
    assert result.stderr.count("\n") == 1
    assert word in result.stderr


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--from", "yesterday"), "yesterday"),
        (("--to", "-1"), "--to"),
        (("--from", "9" * 30), "RFC 3339"),
        (("--at", "2026-03-01T12:00:00"), "offset"),
        (("--at", "7"), "offset"),
        (("--at", "2026-03-01T12:00:00Z", "--to", "1"), "--at"),
        (("--clock", "occurred"), "--clock"),
        (("--at", "2026-03-01T12:00:00Z", "--clock", "theirs"), "theirs"),
        (("--format", "xml"), "xml"),
    ],
)
def test_a_replay_that_is_not_clear_is_refused(arguments: tuple[str, ...], word: str) -> None:
    result = CliRunner().invoke(app, ["replay", "--tenant", "acme", *arguments])

    assert result.exit_code == 2
    assert word in result.stderr


async def test_progress_is_shown_on_a_terminal_and_nowhere_else(http: httpx.AsyncClient, account: Account) -> None:
    feed = await told(http)

    with Terminal() as terminal:
        result = replay(account, "--format", "ndjson", stderr=terminal.number)

    assert b"5/5" in terminal.shown
    assert [json.loads(line) for line in result.stdout.splitlines()] == feed


async def test_a_reader_that_has_enough_may_leave(http: httpx.AsyncClient, account: Account) -> None:
    await told(http)
    await append(http, "A-1", *[status("x" * 250) for _ in range(1_000)])
    left, theirs = os.pipe()
    os.close(left)

    result = replay(account, stdout=theirs)

    os.close(theirs)
    assert (result.returncode, result.stderr) == (1, "")
