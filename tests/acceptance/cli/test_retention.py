"""Retention: what was said in calls expires, by the tenant's wish; the facts stay, and say so."""

import subprocess

import httpx
import psycopg
import pytest

from api.bootstrap import open_expiry
from tests.acceptance.carriyo.fix_carriyo import listed, logged, whole
from tests.acceptance.sendcloud.fix_sendcloud import LOGS, new_log
from tests.fix_server import ORDERTRAIL, Account
from tests.native import assert_problem

RETENTION = "/trail/v1/retention"
SAID = {"request_body": "asked", "raw_request_body": "asked raw", "response_body": "answered", "response_code": 201}


async def keep(http: httpx.AsyncClient, days: int | None) -> dict[str, int | None]:
    """Keep bodies for so many days; return what is answered."""
    answer = await http.put(RETENTION, json={"bodies_days": days})
    assert answer.status_code == 200, answer.text
    body: dict[str, int | None] = answer.json()
    return body


def retain(account: Account, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(ORDERTRAIL), "tenant", "retain", "--dsn", account.dsn, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


async def expire(account: Account) -> None:
    """Do now what the projector's process does once a minute."""
    async with open_expiry(account.dsn) as expiry:
        await expiry.expire_all()


async def bodies(account: Account) -> int:
    """Return how many bodies the database has."""
    async with await psycopg.AsyncConnection.connect(account.dsn) as connection:
        counted = await connection.execute("SELECT count(*) FROM ordertrail.bodies WHERE tenant = %s", [account.tenant])
        [[number]] = await counted.fetchall()
    assert isinstance(number, int)
    return number


async def test_what_was_said_in_an_orders_calls_expires_and_the_log_says_so(
    account: Account, carriyo: httpx.AsyncClient, http: httpx.AsyncClient
) -> None:
    log = await logged(carriyo, **SAID)
    listing = await listed(carriyo)
    before = (await whole(carriyo, log)).json()

    await keep(http, 0)
    await expire(account)

    after = (await whole(carriyo, log)).json()
    assert await bodies(account) == 0
    assert {name for name in after if after[name] != before[name]} == {
        "request_body",
        "raw_request_body",
        "response_body",
    }
    assert {after["request_body"], after["raw_request_body"], after["response_body"]} == {"[expired]"}
    assert await listed(carriyo) == listing


async def test_what_was_said_in_failed_calls_expires_and_the_log_says_so(
    account: Account, sendcloud: httpx.AsyncClient, http: httpx.AsyncClient
) -> None:
    await new_log(sendcloud, response={"body": "x" * 9_000}, response_code=500)
    await keep(http, 0)
    await new_log(sendcloud, request={"body": "small"}, exception_type="Timeout")
    small = (await sendcloud.get(LOGS)).json()["data"][0]

    await expire(account)

    newest, oldest = (await sendcloud.get(LOGS)).json()["data"]
    assert await bodies(account) == 0
    assert small["request"] == {"body": "small"}
    assert newest["request"] == newest["response"] == oldest["response"] == {"expired": "[expired]"}
    assert (newest["exception_type"], oldest["response_code"]) == ("Timeout", 500)
    assert newest["additional_data"] == "[expired]"


async def test_what_is_not_as_old_is_kept(
    account: Account, carriyo: httpx.AsyncClient, http: httpx.AsyncClient
) -> None:
    log = await logged(carriyo, **SAID)

    for days in (30, None):
        await keep(http, days)
        await expire(account)

    assert (await whole(carriyo, log)).json()["request_body"] == "asked"


async def test_what_is_said_again_is_kept_as_long_as_the_newest(
    account: Account, carriyo: httpx.AsyncClient, http: httpx.AsyncClient
) -> None:
    first = await logged(carriyo, **SAID)
    async with await psycopg.AsyncConnection.connect(account.dsn, autocommit=True) as connection:
        for table in ("events", "bodies"):
            aged = f"UPDATE ordertrail.{table} SET recorded_at = now() - interval '40 days' WHERE tenant = %s"
            await connection.execute(aged, [account.tenant])  # type: ignore[call-overload]
    again = await logged(carriyo, **SAID)

    await keep(http, 30)
    await expire(account)

    assert first["s3_content_key"] == again["s3_content_key"]
    assert (await whole(carriyo, again)).json()["request_body"] == "asked"


async def test_retention_is_told_and_never_goes_back(
    account: Account, carriyo: httpx.AsyncClient, http: httpx.AsyncClient
) -> None:
    assert (await http.get(RETENTION)).json() == {"bodies_days": None, "expired_position": 0}
    log = await logged(carriyo, **SAID)

    await keep(http, 0)
    await expire(account)

    assert (await http.get(RETENTION)).json() == {"bodies_days": 0, "expired_position": int(log["identifier"])}
    assert await keep(http, None) == {"bodies_days": None, "expired_position": int(log["identifier"])}
    assert (await whole(carriyo, log)).json()["request_body"] == "[expired]"


@pytest.mark.parametrize("days", [-1, 36_501, "7", 1.5, True])
async def test_a_period_is_a_number_of_days(http: httpx.AsyncClient, days: object) -> None:
    assert_problem(await http.put(RETENTION, json={"bodies_days": days}), 422)


async def test_only_an_administrator_sets_it(account: Account, http: httpx.AsyncClient) -> None:
    key = await account.key("write", "read")

    refused = await http.put(RETENTION, json={"bodies_days": 0}, headers={"Authorization": f"Bearer {key['token']}"})

    assert_problem(refused, 403)


async def test_it_is_set_on_the_command_line(account: Account, http: httpx.AsyncClient) -> None:
    limited = retain(account, account.tenant, "--days", "90")
    told = (await http.get(RETENTION)).json()
    unlimited = retain(account, account.tenant)
    unknown = retain(account, "nobody")

    assert (limited.returncode, unlimited.returncode, unknown.returncode) == (0, 0, 1)
    assert "for 90 days" in limited.stdout
    assert told["bodies_days"] == 90
    assert (await http.get(RETENTION)).json()["bodies_days"] is None
