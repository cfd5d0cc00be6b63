"""`ordertrail tenant` as its users run it."""

import json
from typing import Any

import httpx
import pytest

from tests.commands import assert_says, ordertrail
from tests.fix_embedded import wait_until
from tests.fix_server import Account, Server
from tests.native import an_order, new_id

MEMBERS = ["tenant", "implicit", "dintero_account", "bodies_days", "active_keys", "head", "sealed", "created_at"]


def document(*arguments: str, dsn: str) -> Any:
    """Return the one document that a command prints that ends well and says nothing else."""
    result = ordertrail(*arguments, "--json", "--dsn", dsn)
    assert (result.returncode, result.stderr) == (0, "")
    return json.loads(result.stdout)


def text(*arguments: str, dsn: str) -> str:
    result = ordertrail(*arguments, "--dsn", dsn)
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout


def test_a_tenant_is_created_and_shown_as_the_same_document(server: Server) -> None:
    name = new_id()

    created = document("tenant", "create", name, "--implicit", "--dintero-account", "P00000002", dsn=server.dsn)

    assert list(created) == MEMBERS
    assert created | {"created_at": ""} == {
        "tenant": name,
        "implicit": True,
        "dintero_account": "P00000002",
        "bodies_days": None,
        "active_keys": 0,
        "head": 0,
        "sealed": 0,
        "created_at": "",
    }
    assert document("tenant", "show", name, dsn=server.dsn) == created
    assert created in document("tenant", "list", dsn=server.dsn)["items"]


async def test_a_tenant_is_shown_with_what_it_has(account: Account, http: httpx.AsyncClient) -> None:
    for order_id in ("A-1", "A-2"):
        await an_order(http, order_id=order_id)
    revoked = await account.key("read")
    document("key", "revoke", revoked["key_id"], dsn=account.dsn)

    def shown() -> Any:
        return document("tenant", "show", account.tenant, dsn=account.dsn)

    wait_until(lambda: shown()["sealed"] == 2)
    assert [shown()[member] for member in ("head", "active_keys", "dintero_account")] == [2, 1, account.dintero_account]


@pytest.mark.parametrize(("days", "told"), [("90", "for 90 days"), ("0", "for 0 days"), (None, "for ever")])
async def test_how_long_bodies_are_kept_is_told(account: Account, days: str | None, told: str) -> None:
    retain = ("tenant", "retain", account.tenant, *([] if days is None else ["--days", days]))

    retained = document(*retain, dsn=account.dsn)

    assert list(retained) == MEMBERS
    assert retained["bodies_days"] == (None if days is None else int(days))
    assert told in text(*retain, dsn=account.dsn)


async def test_tenants_are_printed_for_people_too(account: Account) -> None:
    shown, listed = text("tenant", "show", account.tenant, dsn=account.dsn), text("tenant", "list", dsn=account.dsn)

    settings = dict(line.split("  ", 1) for line in shown.splitlines())
    assert {name: value.strip() for name, value in settings.items()} | {"Created": ""} == {
        "Tenant": account.tenant,
        "Implicit": "no",
        "Dintero account": account.dintero_account,
        "Calls kept": "for ever",
        "Active keys": "1",
        "Head": "0",
        "Sealed": "0",
        "Created": "",
    }
    heads, *rows = listed.splitlines()
    assert heads.startswith("TENANT ")
    assert len([row for row in rows if row.startswith(f"{account.tenant} ") and account.dintero_account in row]) == 1


def test_a_database_without_tenants_has_an_empty_list(dsn: str) -> None:
    assert document("tenant", "list", dsn=dsn) == {"items": []}
    assert text("tenant", "list", dsn=dsn) == "There are no tenants.\n"


def test_a_tenant_that_there_is_not_is_said_in_one_line(server: Server) -> None:
    for command in (["tenant", "show", "nobody"], ["tenant", "retain", "nobody", "--json"]):
        assert_says(ordertrail(*command, "--dsn", server.dsn), 1, "nobody", "ordertrail tenant create nobody")
