"""`ordertrail verify` of a ledger: what it says of one that is whole, and of one that is not."""

import subprocess
from pathlib import Path
from typing import LiteralString

import httpx
import psycopg

from tests.fix_server import ORDERTRAIL, Account, Server

UPTO_1: tuple[LiteralString, ...] = (
    "DELETE FROM ordertrail.events WHERE tenant = %(tenant)s AND position > 1",
    "DELETE FROM ordertrail.tree_heads WHERE tenant = %(tenant)s AND size > 1",
    "UPDATE ordertrail.tiles SET hashes = substr(hashes, 1, 32) WHERE tenant = %(tenant)s",
    "UPDATE ordertrail.trees SET size = 1 WHERE tenant = %(tenant)s",
    "UPDATE ordertrail.ledgers SET position = 1 WHERE tenant = %(tenant)s",
    "UPDATE ordertrail.checkpoints SET position = 1 WHERE tenant = %(tenant)s",
)
"""Leaves no trace of a ledger's second event, but in what the views show."""


def ordertrail(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [str(ORDERTRAIL), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def verify(account: Account, *arguments: object) -> subprocess.CompletedProcess[str]:
    return ordertrail("verify", "--tenant", account.tenant, "--dsn", account.dsn, *arguments)


async def test_verify_tells_which_event_is_not_the_one_that_was_sealed(server: Server, account: Account) -> None:
    headers = {"Authorization": f"Bearer {(await account.key('admin'))['token']}"}
    async with httpx.AsyncClient(base_url=server.url, headers=headers) as http:
        for n in range(3):
            await http.post("/trail/v1/orders", json={"order_id": f"A-{n}"})
        assert (await http.get("/trail/v1/orders/A-2/proofs")).status_code == 200
    whole = verify(account)
    async with await psycopg.AsyncConnection.connect(server.dsn, autocommit=True) as connection:
        await connection.execute(
            "UPDATE ordertrail.events SET data = '{}' WHERE tenant = %s AND position = 1", [account.tenant]
        )

    damaged = verify(account)

    assert (whole.returncode, damaged.returncode) == (0, 1)
    assert "3 events are whole and in order" in whole.stdout
    assert "DAMAGED at position 1: the event differs from the one that was sealed here" in damaged.stdout


async def test_verify_compares_a_ledger_with_the_checkpoints_that_an_auditor_brings(
    server: Server, account: Account, tmp_path: Path
) -> None:
    headers = {"Authorization": f"Bearer {(await account.key('admin'))['token']}"}
    held = [tmp_path / "first", tmp_path / "second"]
    async with httpx.AsyncClient(base_url=server.url, headers=headers) as http:
        for n, file in enumerate(held):
            await http.post("/trail/v1/orders", json={"order_id": f"A-{n}"})
            assert (await http.get(f"/trail/v1/orders/A-{n}/proofs")).status_code == 200
            file.write_bytes((await http.get("/trail/v1/ledger/checkpoint")).content)
        key = (await http.get(f"/trail/v1/ledgers/{account.tenant}/keys")).text
    given = ["--key", key, "--checkpoint", held[0], "--checkpoint", held[1]]
    whole = verify(account, *given)
    async with await psycopg.AsyncConnection.connect(server.dsn) as connection:  # in one transaction
        for statement in UPTO_1:
            await connection.execute(statement, {"tenant": account.tenant})

    alone = verify(account)
    damaged = verify(account, *given)

    assert [result.returncode for result in (whole, alone, damaged)] == [0, 0, 1]
    said = ["It continues the 2 checkpoints that you hold.", "The signature was checked with the key that you gave."]
    assert whole.stdout.splitlines()[1:] == said
    assert damaged.stdout == (
        f"{account.tenant}: DAMAGED at position 2: the ledger ends at 1, the checkpoint that you hold covers 2 events\n"
    )


def test_of_a_ledger_without_events_no_signature_is_said_to_be_checked(server: Server, account: Account) -> None:
    key = httpx.get(f"{server.url}/trail/v1/ledgers/{account.tenant}/keys").text

    result = verify(account, "--key", key)

    assert result.stdout == f"{account.tenant}: 0 events are whole and in order; none of them is signed yet\n"


def test_a_checkpoint_that_is_brought_is_one_ledgers(server: Server, tmp_path: Path) -> None:
    held = tmp_path / "held"
    held.write_text("")

    for more in ([], ["--views", "--tenant", "acme"]):
        result = ordertrail("verify", "--dsn", server.dsn, "--checkpoint", held, *more)
        assert result.returncode == 2
        assert "--key, --checkpoint" in result.stderr
