"""`ordertrail key` as its users run it: what it prints for people and for programs, and what it refuses."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from application.access.callers import CACHE_SECONDS
from tests.commands import assert_says, ordertrail
from tests.fix_embedded import wait_until
from tests.fix_server import Account, Server
from tests.native import new_id

LISTED = [
    "key_id", "tenant", "name", "scopes", "performer", "state",
    "created_at", "expires_at", "rotated_at", "earlier_secret_until", "revoked_at",
]  # fmt: skip
SHOWN_ONCE = ["tenant", "key_id", "secret", "token", "scopes"]


def printed(*arguments: str, dsn: str) -> str:
    """Return what a command prints that ends well and says nothing else."""
    result = ordertrail(*arguments, "--dsn", dsn)
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout


def document(*arguments: str, dsn: str) -> Any:
    """Return the one document that a command prints."""
    return json.loads(printed(*arguments, "--json", dsn=dsn))


def keys_of(account: Account, *options: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = document("key", "list", "--tenant", account.tenant, *options, dsn=account.dsn)[
        "items"
    ]
    return found


def moment(text: str) -> datetime:
    assert text.endswith("Z")
    return datetime.fromisoformat(text)


async def test_credentials_are_listed_as_one_document(account: Account) -> None:
    person = ("--performer-id", "u-7", "--performer-name", "Kim")
    created = document(
        "key", "create", "--tenant", account.tenant, "--scope", "read", "--name", "Shop", *person, dsn=account.dsn
    )

    first, second = keys_of(account)

    assert list(first) == list(second) == LISTED
    assert (first["key_id"], first["name"], first["scopes"]) == (account.key_id, "Test", ["admin"])
    assert second | {"created_at": ""} == {
        "key_id": created["key_id"],
        "tenant": account.tenant,
        "name": "Shop",
        "scopes": ["read"],
        "performer": {"id": "u-7", "name": "Kim", "type": "User"},
        "state": "active",
        "created_at": "",
        "expires_at": None,
        "rotated_at": None,
        "earlier_secret_until": None,
        "revoked_at": None,
    }
    assert moment(first["created_at"]) <= moment(second["created_at"])


async def test_credentials_of_all_tenants_are_listed_unless_one_is_named(account: Account) -> None:
    other = new_id()
    document("tenant", "create", other, dsn=account.dsn)
    theirs = document("key", "create", "--tenant", other, dsn=account.dsn)["key_id"]

    everybodys = [key["key_id"] for key in document("key", "list", dsn=account.dsn)["items"]]

    assert {account.key_id, theirs} <= set(everybodys)
    assert [key["key_id"] for key in keys_of(account)] == [account.key_id]


async def test_the_list_for_people_is_a_table_without_secrets(account: Account) -> None:
    ended = await account.key("read", name="Ended")
    printed("key", "revoke", ended["key_id"], dsn=account.dsn)
    printed("key", "rotate", account.key_id, dsn=account.dsn)

    table = printed("key", "list", "--tenant", account.tenant, dsn=account.dsn)

    heads, rotated, revoked = table.splitlines()
    assert heads.split("  ")[0] == "KEY ID"
    for line, words in (
        (rotated, (account.key_id, account.tenant, "Test", "admin", "rotating until 20")),
        (revoked, (ended["key_id"], account.tenant, "Ended", "read", "revoked 20")),
    ):
        assert all(word in line for word in words)
        assert line.index(account.tenant) == heads.index("TENANT")
    assert account.secret not in table
    assert ended["secret"] not in table


async def test_ended_credentials_are_shown_unless_only_active_ones_are_asked_for(account: Account) -> None:
    revoked = (await account.key("read"))["key_id"]
    expired = document("key", "create", "--tenant", account.tenant, "--expires", "1s", dsn=account.dsn)
    document("key", "revoke", revoked, dsn=account.dsn)
    wait_until(lambda: datetime.now(UTC) >= moment(expired["expires_at"]))

    states = {key["key_id"]: key["state"] for key in keys_of(account)}

    assert states == {account.key_id: "active", revoked: "revoked", expired["key_id"]: "expired"}
    assert [key["key_id"] for key in keys_of(account, "--active")] == [account.key_id]


async def test_a_tenant_without_credentials_has_an_empty_list(server: Server) -> None:
    tenant = new_id()
    document("tenant", "create", tenant, dsn=server.dsn)

    assert document("key", "list", "--tenant", tenant, dsn=server.dsn) == {"items": []}
    assert printed("key", "list", "--tenant", tenant, dsn=server.dsn) == "There are no credentials.\n"


@pytest.mark.parametrize("names_tenant", [False, True])
async def test_revoking_says_so_and_is_done_once(account: Account, names_tenant: bool) -> None:
    command = ["key", "revoke", account.key_id, *(["--tenant", account.tenant] if names_tenant else [])]

    first, again = printed(*command, dsn=account.dsn), printed(*command, dsn=account.dsn)

    assert f"Key {account.key_id} of tenant {account.tenant} is revoked" in first
    assert f"{CACHE_SECONDS:g} seconds" in first
    assert "was revoked before" in again
    [key] = keys_of(account)
    assert document(*command, dsn=account.dsn) == key
    assert key["state"] == "revoked"
    assert moment(key["revoked_at"]) >= moment(key["created_at"])


async def test_rotating_prints_the_new_secret_once_as_creating_does(account: Account) -> None:
    new = document("key", "rotate", account.key_id, dsn=account.dsn)

    assert list(new) == SHOWN_ONCE
    assert (new["tenant"], new["key_id"], new["scopes"]) == (account.tenant, account.key_id, ["admin"])
    assert new["token"] == f"ot_{new['key_id']}_{new['secret']}" != account.token
    [key] = keys_of(account)
    assert key["state"] == "rotating"
    assert moment(key["earlier_secret_until"]) - moment(key["rotated_at"]) == timedelta(hours=24)


@pytest.mark.parametrize(
    ("keep", "state", "told"),
    [("90s", "rotating", "good for 90s more"), ("0", "active", f"within {CACHE_SECONDS:g} seconds")],
)
async def test_the_old_secret_is_kept_as_long_as_was_said(account: Account, keep: str, state: str, told: str) -> None:
    text = printed("key", "rotate", account.key_id, "--keep", keep, dsn=account.dsn)

    assert told in text
    assert "not shown again" in text
    [key] = keys_of(account)
    assert key["state"] == state
    assert (key["earlier_secret_until"] is not None) == (state == "rotating")


async def test_a_credential_may_expire(account: Account) -> None:
    create = ("key", "create", "--tenant", account.tenant, "--expires")

    in_a_month = document(*create, "30d", dsn=account.dsn)
    at_a_date = document(*create, "2127-01-31", dsn=account.dsn)
    at_a_time = document(*create, "2127-01-31T18:00:00+01:00", dsn=account.dsn)
    rotated = document("key", "rotate", in_a_month["key_id"], dsn=account.dsn)

    assert list(in_a_month) == list(rotated) == [*SHOWN_ONCE, "expires_at"]
    assert abs(moment(in_a_month["expires_at"]) - datetime.now(UTC) - timedelta(days=30)) < timedelta(minutes=5)
    assert at_a_date["expires_at"] == "2127-01-31T00:00:00Z"
    assert at_a_time["expires_at"] == "2127-01-31T17:00:00Z"
    assert rotated["expires_at"] == in_a_month["expires_at"]
    listed = {key["key_id"]: key["expires_at"] for key in keys_of(account)}
    for key in (in_a_month, at_a_date, at_a_time):
        assert listed[key["key_id"]] == key["expires_at"]
    assert "expires_at  2127-01-31T00:00:00Z" in printed(*create, "2127-01-31", dsn=account.dsn)


@pytest.mark.parametrize("expires", ["2020-01-31", "2020-01-31T18:00:00Z", "0s"])
def test_an_end_in_the_past_is_refused_in_one_line(server: Server, expires: str) -> None:
    result = ordertrail("key", "create", "--tenant", "acme", "--expires", expires, "--dsn", server.dsn)

    assert_says(result, 2, "--expires", expires, "not in the future")


@pytest.mark.parametrize("expires", ["tomorrow", "", "30", "2027-02-30", "2127-01-31T18:00:00"])
def test_an_end_that_is_none_is_refused_in_one_line(server: Server, expires: str) -> None:
    result = ordertrail("key", "create", "--tenant", "acme", "--expires", expires, "--dsn", server.dsn)

    assert_says(result, 2, "--expires", expires, "30d")


@pytest.mark.parametrize("keep", ["-1h", "a while", "", "36501d"])
def test_a_while_that_is_none_is_refused_in_one_line(server: Server, keep: str) -> None:
    result = ordertrail("key", "rotate", "nobody", f"--keep={keep}", "--dsn", server.dsn)

    assert_says(result, 2, "--keep", keep)


@pytest.mark.parametrize("command", ["revoke", "rotate"])
async def test_a_key_that_there_is_not_is_said_in_one_line(account: Account, command: str) -> None:
    unknown = ordertrail("key", command, "nobody", "--dsn", account.dsn)
    foreign = ordertrail("key", command, account.key_id, "--tenant", "other", "--dsn", account.dsn)

    assert_says(unknown, 1, "There is no key 'nobody'", "ordertrail key list")
    assert_says(foreign, 1, "Tenant 'other' has no key", account.key_id)
    assert keys_of(account)[0]["state"] == "active"


async def test_a_revoked_key_gets_no_other_secret(account: Account) -> None:
    printed("key", "revoke", account.key_id, dsn=account.dsn)

    result = ordertrail("key", "rotate", account.key_id, "--dsn", account.dsn)

    assert_says(result, 1, account.key_id, f"ordertrail key create --tenant {account.tenant}")


def test_a_tenant_that_there_is_not_has_no_list(server: Server) -> None:
    assert_says(ordertrail("key", "list", "--tenant", "nobody", "--dsn", server.dsn), 1, "nobody")


def test_changes_of_signing_keys_are_told_to_programs_too(dsn: str) -> None:
    new = document("key", "rotate-signing", dsn=dsn)
    retired = document("key", "retire-signing", dsn=dsn)

    assert list(new) == ["public_key"]
    assert len(bytes.fromhex(new["public_key"])) == 32
    assert retired == {"retired": 1}
    assert "Tell your auditors" in printed("key", "rotate-signing", dsn=dsn)
    assert printed("key", "retire-signing", dsn=dsn) == "1 signing keys retired\n"
