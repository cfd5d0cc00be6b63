"""The command line as its users run it: what it does, and what it says when it cannot."""

import asyncio
import json
import re
import socket
import subprocess
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.commands import assert_says, ordertrail
from tests.fix_server import Account, Server, running
from tests.native import an_order, append, new_id, status
from tests.projecting import VIEWS


def test_a_tenant_and_a_key_are_created_and_work(dsn: str) -> None:
    tenant = ordertrail("tenant", "create", "acme", "--dsn", dsn)
    key = ordertrail("key", "create", "--tenant", "acme", "--name", "Shop", "--json", "--dsn", dsn)

    assert (tenant.returncode, tenant.stderr, key.returncode, key.stderr) == (0, "", 0, "")
    assert "ordertrail key create --tenant acme" in tenant.stdout
    created = json.loads(key.stdout)
    assert list(created) == ["tenant", "key_id", "secret", "token", "scopes"]
    assert (created["tenant"], created["scopes"]) == ("acme", ["admin"])
    assert created["token"] == f"ot_{created['key_id']}_{created['secret']}"
    with running(dsn) as server:
        headers = {"Authorization": f"Bearer {created['token']}"}
        assert httpx.get(f"{server.url}/trail/v1/ledger", headers=headers).json() == {"tenant": "acme", "head": 0}


def test_a_key_is_printed_for_people_too(server: Server) -> None:
    tenant = new_id()
    ordertrail("tenant", "create", tenant, "--dsn", server.dsn)

    result = ordertrail(
        "key", "create", "--tenant", tenant, "--scope", "read:orders", "--scope", "write", ORDERTRAIL_DSN=server.dsn
    )

    assert result.returncode == 0
    printed = dict(re.findall(r"^(\w+) +(.+)$", result.stdout, re.MULTILINE))
    assert printed["scopes"] == "read:orders write"
    assert printed["token"] == f"ot_{printed['key_id']}_{printed['secret']}"
    assert "not shown again" in result.stdout


def test_a_key_may_act_for_a_person(server: Server) -> None:
    tenant = new_id()
    ordertrail("tenant", "create", tenant, "--dsn", server.dsn)
    person = ("--performer-id", "u-7", "--performer-name", "Kim")

    created = json.loads(ordertrail("key", "create", "--tenant", tenant, *person, "--json", "--dsn", server.dsn).stdout)

    assert list(created) == ["tenant", "key_id", "secret", "token", "scopes"]
    headers = {"Authorization": f"Bearer {created['token']}"}
    httpx.post(f"{server.url}/trail/v1/orders", json={"order_id": "A-1"}, headers=headers).raise_for_status()
    [event] = httpx.get(f"{server.url}/trail/v1/orders/A-1/timeline", headers=headers).json()["items"]
    assert event["actor"] == {"id": "u-7", "name": "Kim", "type": "User", "application_id": created["key_id"]}


@pytest.mark.parametrize(
    ("person", "complaint"),
    [
        (("--performer-name", "Kim"), "needs an id"),
        (("--performer-id", "u-7", "--performer-name", "x" * 256), "at most 255 characters"),
    ],
)
def test_a_person_has_an_id_and_short_names(server: Server, person: tuple[str, ...], complaint: str) -> None:
    result = ordertrail("key", "create", "--tenant", "acme", *person, "--dsn", server.dsn)

    assert_says(result, 1, "performer", complaint)


def test_a_tenant_may_be_implicit_and_have_an_account(server: Server) -> None:
    tenant = new_id()

    ordertrail("tenant", "create", tenant, "--implicit", "--dintero-account", "T00000001", "--dsn", server.dsn)

    with psycopg.connect(server.dsn) as connection:
        query = "SELECT implicit, dintero_account FROM ordertrail.tenants WHERE tenant = %s"
        assert connection.execute(query, [tenant]).fetchall() == [(True, "T00000001")]


def test_what_a_tenant_cannot_be_is_said_in_one_line(server: Server) -> None:
    tenant = new_id()
    ordertrail("tenant", "create", tenant, "--dsn", server.dsn)

    def create(*arguments: str) -> subprocess.CompletedProcess[str]:
        return ordertrail("tenant", "create", *arguments, "--dsn", server.dsn)

    assert_says(create(tenant), 1, tenant, "already")
    assert_says(create("no/slashes"), 1, "no/slashes", "letters, digits")
    assert_says(create("x" * 64), 1, "63")
    assert_says(create("other", "--dintero-account", "12345678"), 1, "Dintero account")


def test_what_a_key_cannot_be_is_said_in_one_line(server: Server) -> None:
    tenant = new_id()
    ordertrail("tenant", "create", tenant, "--dsn", server.dsn)

    def create(*arguments: str) -> subprocess.CompletedProcess[str]:
        return ordertrail("key", "create", *arguments, "--dsn", server.dsn)

    assert_says(create("--tenant", "nobody"), 1, "nobody", "ordertrail tenant create nobody")
    for scope in ("eat:orders", "", "write:orders:x", "read:nothing", "write:order"):
        assert_says(create("--tenant", tenant, "--scope", scope), 1, "is not a scope")


def test_a_server_that_cannot_be_reached_is_said_in_one_line(tmp_path: Path) -> None:
    nowhere = f"postgresql://u:secret@/d?host={tmp_path}"
    with socket.create_server(("127.0.0.1", 0)) as closed:
        refusing = f"postgresql://u:secret@127.0.0.1:{closed.getsockname()[1]}/d"

    for command, dsn in (
        (["migrate"], nowhere),
        (["tenant", "create", "x"], refusing),
        (["rebuild"], nowhere),
    ):
        result = ordertrail(*command, "--dsn", dsn)

        assert_says(result, 1, "database d")
        assert "secret" not in result.stderr


def test_a_dsn_that_is_none_is_said_in_one_line() -> None:
    result = ordertrail("migrate", "--dsn", "postgresql://u:secret@[::1/x")

    assert_says(result, 2, "DSN")
    assert "secret" not in result.stderr


def test_a_data_directory_of_somebody_elses_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("Not yours.")
    (tmp_path / "a file").write_text("")

    assert_says(ordertrail("migrate", "--data-dir", tmp_path), 2, str(tmp_path), "not Ordertrail's")
    assert_says(ordertrail("serve", "--port", "0", "--data-dir", tmp_path), 2, str(tmp_path), "not Ordertrail's")
    assert_says(ordertrail("serve", "--port", "0", "--data-dir", tmp_path / "a file"), 2, "a file")
    assert {path.name for path in tmp_path.iterdir()} == {"thesis.txt", "a file"}


def test_a_port_that_is_taken_is_said_in_one_line(server: Server) -> None:
    port = server.url.rpartition(":")[2]

    assert_says(ordertrail("serve", "--port", port, "--dsn", server.dsn), 1, f"127.0.0.1:{port}", "--port")


def test_a_host_that_is_none_is_said_in_one_line(server: Server) -> None:
    for host in ("999.1.1.1", "192.0.2.1", "no host"):
        assert_says(ordertrail("serve", "--host", host, "--port", "0", "--dsn", server.dsn), 1, host, "--host")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "65536"),
        ("PORT", "http"),
        ("WORKERS", "0"),
        ("MAX_BODY_BYTES", "1"),
        ("READ_WAIT_SECONDS", "nan"),
        ("LOG_LEVEL", "loud"),
    ],
)
def test_a_setting_that_is_not_valid_is_said_in_one_line(server: Server, name: str, value: str) -> None:
    result = ordertrail("serve", "--dsn", server.dsn, **{f"ORDERTRAIL_{name}": value})

    assert_says(result, 2, f"ORDERTRAIL_{name}: ")


@pytest.mark.parametrize("command", [["serve", "--port", "0"], ["migrate"], ["tenant", "create", "acme"]])
def test_a_server_that_may_lose_what_it_confirmed_is_refused_unless_told_otherwise(
    empty_dsn: str, command: list[str]
) -> None:
    result = ordertrail(*command, "--dsn", empty_dsn, ORDERTRAIL_ALLOW_UNSAFE_SERVER="false")

    assert_says(result, 2, "fsync = off", "ORDERTRAIL_ALLOW_UNSAFE_SERVER=true")
    with psycopg.connect(empty_dsn) as connection:
        assert connection.execute("SELECT to_regnamespace('ordertrail')").fetchone() == (None,)


@pytest.mark.parametrize("option", [["--port", "65536"], ["--port", "x"], ["--workers", "0"], ["--nope"]])
def test_an_option_that_is_not_valid_is_named(option: list[str]) -> None:
    result = ordertrail("serve", *option)

    assert result.returncode == 2
    assert option[0] in result.stderr


def test_a_database_is_migrated_once(empty_dsn: str) -> None:
    first, second = ordertrail("migrate", "--dsn", empty_dsn), ordertrail("migrate", "--dsn", empty_dsn)

    assert (first.returncode, first.stdout, first.stderr) == (0, second.stdout, "")
    assert "present schema" in second.stdout


async def test_views_are_rebuilt_while_appends_go_on(http: httpx.AsyncClient, server: Server) -> None:
    tenant = (await http.get("/trail/v1/ledger")).json()["tenant"]
    orders = [await an_order(http) for _ in range(20)]
    for order_id in orders:
        await append(http, order_id, *[status(str(n)) for n in range(50)])
    before = await _views(http, orders)

    rebuild = asyncio.create_task(asyncio.to_thread(ordertrail, "rebuild", "--tenant", tenant, "--dsn", server.dsn))
    appends = 0
    while not rebuild.done() or appends == 0:
        assert (await append(http, await an_order(http), status("meanwhile"))).status_code == 201
        appends += 1

    assert (await rebuild).returncode == 0
    assert (await rebuild).stdout.startswith(f"{tenant}: action_log, ")
    assert await _views(http, orders) == before
    assert len((await http.get("/trail/v1/orders", params={"status": "meanwhile"})).json()["items"]) == min(appends, 25)


def test_one_view_is_rebuilt_alone(server: Server) -> None:
    assert ordertrail("rebuild", "timeline", "--dsn", server.dsn).returncode == 0
    assert_says(ordertrail("rebuild", "timeline", "horoscope", "--dsn", server.dsn), 1, "horoscope", "order_state")
    assert_says(ordertrail("rebuild", "--tenant", "nobody", "--dsn", server.dsn), 1, "nobody")


def test_a_view_that_stops_while_it_is_rebuilt_ends_the_rebuild(dsn: str) -> None:
    ordertrail("tenant", "create", "acme", "--dsn", dsn)
    with psycopg.connect(dsn, autocommit=True) as connection:
        event = "'acme', 1, 1, now(), now(), 'order-1', 'e', 'order.eaten', '{}', '{}'"
        connection.execute(f"INSERT INTO ordertrail.events VALUES ({event})")
        connection.execute("UPDATE ordertrail.ledgers SET position = 1 WHERE tenant = 'acme'")

    result = ordertrail("rebuild", "--dsn", dsn)

    assert result.returncode == 1
    assert "ordertrail: View action_log of acme stopped after position 0: InvalidEvent" in result.stderr


async def test_views_are_verified(http: httpx.AsyncClient, account: Account) -> None:
    order_id = await an_order(http)
    await append(http, order_id, *[status(str(n)) for n in range(120)])
    await _views(http, [order_id])

    def verify() -> tuple[int, list[str]]:
        result = ordertrail("verify", "--views", "--tenant", account.tenant, "--dsn", account.dsn)
        assert result.stderr == ""
        return result.returncode, [line.removeprefix(f"{account.tenant}: ") for line in result.stdout.splitlines()]

    sound = verify()
    with psycopg.connect(account.dsn, autocommit=True) as connection:
        connection.execute("DELETE FROM ordertrail.timeline WHERE tenant = %s", [account.tenant])
        connection.execute("UPDATE ordertrail.order_state SET status = 'x' WHERE tenant = %s", [account.tenant])
    unsound = verify()

    assert sound[0] == 0
    assert [line.split()[0] for line in sound[1]] == VIEWS
    assert sound[1][0] == "action_log is what events 1 to 121 make of it"
    assert unsound[0] == 1
    findings = [line for line in unsound[1] if ": " in line]
    assert len([line for line in findings if line.startswith(f"timeline: order {order_id} at position ")]) == 100
    assert re.fullmatch(
        rf"order_state: order {order_id} differs in status: order.status_updated \S+ at position 121", findings[0]
    )
    assert findings[-2:] == [
        "timeline: 21 more",
        "timeline is not what events 1 to 121 make of it: 121 rows differ",
    ]


def test_only_a_tenant_that_there_is_can_be_verified(server: Server) -> None:
    for what in ([], ["--views"]):
        assert_says(ordertrail("verify", *what, "--tenant", "nobody", "--dsn", server.dsn), 2, "nobody")


async def _views(http: httpx.AsyncClient, orders: list[str]) -> list[object]:
    """Return what the views say of some orders, once they have read everything."""
    return [
        (await http.get(f"/trail/v1/orders/{order_id}{path}")).json()
        for order_id in orders
        for path in ("", "/timeline")
    ]
