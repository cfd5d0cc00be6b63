"""`ordertrail tenant delete` leaves nothing of a tenant but a file that proves what its ledger was."""

import json
from pathlib import Path

import httpx
import psycopg
import pytest

from infrastructure.postgres.statements import statements
from tests.commands import assert_says, ordertrail
from tests.fix_embedded import wait_until
from tests.fix_server import Account
from tests.native import ORDERS, an_order, new_id

TABLES = """
    SELECT table_name FROM information_schema.columns WHERE table_schema = 'ordertrail' AND column_name = 'tenant'
"""


def rows_of(dsn: str, tenant: str) -> dict[str, int]:
    """Return how many rows each table has of a tenant; only those that have any."""
    with psycopg.connect(dsn) as connection:
        tables = connection.execute(TABLES).fetchall()
        query = "SELECT count(*) FROM ordertrail.{} WHERE tenant = %s"
        counts = {
            table: connection.execute(query.format(table), [tenant]).fetchone()[0]  # type: ignore[arg-type, index]
            for (table,) in tables
        }
    return {table: count for table, count in counts.items() if count}


async def test_nothing_is_left_but_the_name_the_checkpoint_and_the_file(
    account: Account, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    file = tmp_path / "last.ndjson.zst"
    await an_order(http, customer={"id": "c-1", "name": "Ann"})
    await http.put("/trail/v1/retention", json={"bodies_days": 90})
    wait_until(lambda: len(rows_of(account.dsn, account.tenant)) > 8)  # its views and seals come after it

    result = ordertrail("tenant", "delete", account.tenant, "--yes", "--export", file, "--json", "--dsn", account.dsn)

    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == {"tenant": account.tenant, "events": 1, "export": str(file)}
    assert rows_of(account.dsn, account.tenant) == {"deleted_tenants": 1}
    with psycopg.connect(account.dsn) as connection:
        query = "SELECT events, checkpoint FROM ordertrail.deleted_tenants WHERE tenant = %s"
        [(events, checkpoint)] = connection.execute(query, [account.tenant]).fetchall()
    assert (events, checkpoint.splitlines()[1]) == (1, "1")
    (tmp_path / "checkpoint").write_text(checkpoint)
    assert ordertrail("verify", file, "--checkpoint", tmp_path / "checkpoint").returncode == 0
    async with httpx.AsyncClient(base_url=account.url, headers=http.headers) as client:
        assert (await client.get("/readyz")).json()["stopped"] == {}
    wait_until(lambda: httpx.get(f"{account.url}{ORDERS}", headers=http.headers).status_code == 401)


async def test_the_name_is_typed_first(account: Account, http: httpx.AsyncClient, tmp_path: Path) -> None:
    await an_order(http)

    result = ordertrail(
        "tenant", "delete", account.tenant, "--export", tmp_path / "a", "--dsn", account.dsn, typed="x\n"
    )

    assert result.returncode == 1
    assert "1 events are deleted for good" in result.stderr
    assert "nothing was deleted" in result.stderr
    assert not (tmp_path / "a").exists()
    assert (await http.get(ORDERS)).status_code == 200


def test_a_file_that_is_there_is_not_overwritten(account: Account, tmp_path: Path) -> None:
    (tmp_path / "a").touch()

    result = ordertrail("tenant", "delete", account.tenant, "--yes", "--export", tmp_path / "a", "--dsn", account.dsn)

    assert_says(result, 1, "exists already")


def test_a_deleted_tenants_name_is_not_given_again_but_its_ledger_may_come_back(
    account: Account, tmp_path: Path
) -> None:
    file, dsn = tmp_path / "a.ndjson", ("--dsn", account.dsn)
    assert ordertrail("tenant", "delete", account.tenant, "--yes", "--export", file, *dsn).returncode == 0

    assert_says(ordertrail("tenant", "create", account.tenant, *dsn), 1, "was deleted", "another name")
    assert_says(ordertrail("tenant", "delete", account.tenant, "--yes", *dsn), 1, account.tenant)
    assert ordertrail("import", file, *dsn).returncode == 0
    assert ordertrail("tenant", "show", account.tenant, *dsn).returncode == 0


@pytest.mark.parametrize("name", [None, "the same"])
def test_two_tenants_do_not_have_one_dintero_account(account: Account, name: str | None) -> None:
    other = new_id() if name is None else account.tenant

    result = ordertrail("tenant", "create", other, "--dintero-account", account.dintero_account, "--dsn", account.dsn)

    assert_says(result, 1, "already", account.tenant)
    assert (account.dintero_account in result.stderr) is (name is None)


def test_every_table_of_tenants_is_deleted_from(account: Account) -> None:
    with psycopg.connect(account.dsn) as connection:
        tables = connection.execute(TABLES).fetchall()

    deleted = {name.removeprefix("delete_") for name in statements("tenant_deletion") if name.startswith("delete_")}
    assert {table for (table,) in tables} - {"deleted_tenants"} == deleted
