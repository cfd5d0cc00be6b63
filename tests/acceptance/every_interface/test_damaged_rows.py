"""One row of a view that was changed in the database, and one body, are shown as unreadable; all others as they are."""

import asyncio
import re
import subprocess

import pytest

from tests.acceptance.every_interface.fix_told import Everything, items_of
from tests.damage import TEXT, execute, json_token_change, text_change
from tests.fix_server import ORDERTRAIL, Account


def ordertrail(account: Account, *arguments: str) -> tuple[int, list[str]]:
    """Run a command; return its status and what it said of the tenant."""
    command = [ORDERTRAIL, *arguments, "--tenant", account.tenant, "--dsn", account.dsn]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.stderr == ""
    return result.returncode, [line.removeprefix(f"{account.tenant}: ") for line in result.stdout.splitlines()]


async def change_row(account: Account, view: str, change: str, where: str = "") -> None:
    which = f"tenant = %(tenant)s AND order_id = 'A-1' {where}"
    statement = f"UPDATE ordertrail.{view} SET {change} WHERE {which}"
    async with asyncio.timeout(10):
        while await execute(account.dsn, statement, tenant=account.tenant) != 1:  # noqa: ASYNC110 not projected yet
            await asyncio.sleep(0.05)


CHANGED = "changed in its text"
ROWS: dict[str, tuple[str, str, str, dict[str, str], str]] = {
    "an action's token": (
        "action_log",
        json_token_change(CHANGED, "data"),
        "AND type = 'order.transferred'",
        {"action logs": '"original_customer_id":"[unreadable]"'},
        "action_log: order A-1 at position {transferred} differs in data: order.transferred",
    ),
    "who did it": (
        "action_log",
        "actor_name = overlay(actor_name PLACING '-' FROM 40)",
        "AND type = 'order.status_updated'",
        {"action logs": '"performer_name":"[unreadable]"'},
        "action_log: order A-1 at position {updated} differs in actor_name: order.status_updated",
    ),
    "a report's token": (
        "service_events",
        json_token_change(CHANGED, "metadata"),
        "",
        {"order events": '"metadata":{"unreadable":"[unreadable]"}'},
        "service_events: order A-1 at position {reported} differs in metadata: order.service_event_recorded",
    ),
    "a report's description": (
        "service_events",
        "description = overlay(description PLACING '-' FROM 40)",
        "",
        {"order events": '"description":"[unreadable]"'},
        "service_events: order A-1 at position {reported} differs in description: order.service_event_recorded",
    ),
    "which event a report was": (
        "service_events",
        "sealed_in = NULL",
        "",
        {"order events": '"description":"[unreadable]","metadata":{"unreadable":"[unreadable]"}'},
        "service_events: order A-1 at position {reported} differs in sealed_in: order.service_event_recorded",
    ),
    "what an order's service said": (
        "order_state",
        json_token_change(CHANGED, "detail", nth=3),
        "",
        {
            "order": '"description":"[unreadable]"',
            "orders": '"unreadable":"services.wms.description: it was changed after it was recorded"',
        },
        "order_state: order A-1 differs in detail: order.service_event_recorded",
    ),
    "an order's token": (
        "order_state",
        json_token_change(CHANGED, "detail", nth=2),
        "",
        {
            "order": '"name":"[unreadable]"',
            "orders": '"unreadable":"new_customer.name: it was changed after it was recorded"',
        },
        "order_state: order A-1 differs in detail: order.transferred",
    ),
    "which event named the customer": (
        "order_state",
        "customer_from = 'nobody'",
        "",
        {"order": '"customer":{"id":"[unreadable]","name":"[unreadable]"}'},
        "order_state: order A-1 differs in customer_from: order.system_log_recorded",
    ),
    "an order that is none": (
        "order_state",
        "detail = '[]'",
        "",
        {"order": '"status":"open"', "orders": '"unreadable":"the view\'s row is not that of an order'},
        "order_state: order A-1 differs in detail: order.system_log_recorded",
    ),
}
"""Which view, what is changed, in which of its rows, what is shown where, and what verify says."""


@pytest.mark.parametrize("damage", ROWS)
async def test_a_damaged_row_is_shown_as_far_as_it_can_be_read_and_named_and_mended(
    everything: Everything, damage: str
) -> None:
    view, change, where, shown, said = ROWS[damage]
    account = everything.account
    told = await everything.tell("A-1", 1)
    await everything.tell("B-2", 2)
    assert ordertrail(account, "verify", "--views")[0] == 0
    await change_row(account, view, change, where)

    answers = await everything.read("A-1", told)

    assert {name: answer.status_code for name, answer in answers.items() if answer.status_code != 200} == {}
    assert {name for name, text in shown.items() if text not in answers[name].text} == set()
    assert [name for name, a in answers.items() if "unreadable" in a.text] == [n for n in answers if n in SHOW[view]]
    status, lines = ordertrail(account, "verify", "--views")
    findings = [line for line in lines if ": " in line]
    assert (status, len(findings)) == (1, 2), lines
    assert re.fullmatch(rf"{re.escape(said.format(**told))} \S+ at position \d+", findings[0])
    assert ordertrail(account, "rebuild", view)[0] == 0
    mended = await everything.read("A-1", told)
    assert [name for name, answer in mended.items() if "unreadable" in answer.text] == []
    assert ordertrail(account, "verify", "--views")[0] == 0


SHOW = {
    "action_log": {"action logs"},
    "service_events": {"order events"},
    "order_state": {"order", "orders"},
}
"""Which interfaces show the personal data in the rows of a view."""


@pytest.mark.parametrize(
    ("view", "change", "listed", "rest"),
    [
        ("action_log", "data = '[]'", "action logs", 4),
        ("action_log", "data = '{\"eaten\": true}'", "action logs", 4),
        ("action_log", "occurred_at = 'infinity'", "action logs", 4),
        ("service_events", "recorded_at = '-infinity'", "order events", 5),
    ],
)
async def test_a_row_that_cannot_be_shown_in_the_vendors_words_is_left_out(
    everything: Everything, view: str, change: str, listed: str, rest: int
) -> None:
    told = await everything.tell("A-1", 1)
    one = "AND position = (SELECT max(position) FROM ordertrail.action_log WHERE tenant = %(tenant)s)"
    await change_row(everything.account, view, change, one if view == "action_log" else "")

    answers = await everything.read("A-1", told)

    assert {name: answer.status_code for name, answer in answers.items() if answer.status_code != 200} == {}
    assert len(items_of(answers[listed])) == rest


@pytest.mark.parametrize(
    "change",
    ["body = substr(body, 1, length(body) - 1)", "body = '{}'", "body = ''"],
)
async def test_a_damaged_body_is_shown_as_unreadable(everything: Everything, change: str) -> None:
    account = everything.account
    told = await everything.tell("A-1", 1)
    statement = f"UPDATE ordertrail.bodies SET {change} WHERE tenant = %(tenant)s"
    assert await execute(account.dsn, statement, tenant=account.tenant) == 2

    answers, call = await everything.read("A-1", told), await everything.read_call("A-1", told)

    assert {name: answer.status_code for name, answer in answers.items() if answer.status_code != 200} == {}
    assert (call.status_code, call.json()["request_body"]) == (200, "[unreadable]")
    assert call.json()["request_url"] == "secret of A-1"
    for name in ("logs", "all logs"):
        [log] = items_of(answers[name])
        assert (log["response"], log["request"]) == ({"unreadable": "[unreadable]"}, {"to": "call of A-1"})
    [failed] = items_of(answers["failed calls"])
    assert failed["unreadable"].startswith("what was said in the call: What was said in a call was changed after")
    assert ordertrail(account, "verify")[0] == 0
    status, lines = ordertrail(account, "verify", "--open")
    assert (status, [line.split(" ")[3] for line in lines[1:]]) == (1, [f"{told['logged']}:", f"{told['failed']}:"])


async def test_a_missing_digest_keeps_nobody_from_reading(everything: Everything) -> None:
    account = everything.account
    told = await everything.tell("A-1", 1)
    for digest in ('"digest":"../../other"', '"digest":7'):
        change = text_change("data", f"regexp_replace({TEXT.format('data')}, '\"digest\":[^,]*', '{digest}')")
        statement = f"UPDATE ordertrail.events SET {change} WHERE tenant = %(tenant)s AND type LIKE '%%ed'"
        await execute(account.dsn, statement, tenant=account.tenant)

        answers, call = await everything.read("A-1", told), await everything.read_call("A-1", told)

        # Of what is not the event that was sealed there is no proof.
        refused = {name for name, answer in answers.items() if answer.status_code != 200}
        assert refused <= {"proofs", "inclusion"}
        assert call.json()["request_body"] == "[unreadable]"
