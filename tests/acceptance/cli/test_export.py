"""`ordertrail export` and `verify FILE`: files that hold by themselves, and what is said of those that do not."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner
from zstandard import ZstdDecompressor

from api.cli.main import app
from tests.fix_server import ORDERTRAIL, Account
from tests.native import an_order, append, status
from tests.paths import ROOT
from tests.terminal import Terminal

VERIFIER = ROOT / "docs" / "verifier.py"


def ordertrail(*arguments: object, stderr: int = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    """Run a command that finds no database but the one it is told of."""
    environment = {**os.environ, "ORDERTRAIL_DSN": "postgresql://nobody@localhost:1/none"}
    command = [str(ORDERTRAIL), *map(str, arguments)]
    return subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, stderr=stderr, text=True, timeout=60, check=False
    )


def export(account: Account, file: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return ordertrail("export", file, "--tenant", account.tenant, "--dsn", account.dsn, *arguments)


@pytest.fixture
async def file(http: httpx.AsyncClient, account: Account, tmp_path: Path) -> Path:
    """The exported ledger of two orders and five events."""
    await an_order(http, order_id="A-1", reference="web-1", customer={"id": "c-9", "name": "Ann Li"})
    await an_order(http, order_id="A-2")
    await append(http, "A-1", status("open"), status("shipped"))
    await append(http, "A-2", status("held"))
    path = tmp_path / "acme.ndjson.zst"
    result = await asyncio.to_thread(export, account, path)
    assert (result.returncode, result.stderr) == (0, "")
    return path


async def vkey(account: Account) -> str:
    """Return the ledger's first key, as anybody may ask for it."""
    async with httpx.AsyncClient() as anybody:
        keys = await anybody.get(f"{account.url}/trail/v1/ledgers/{account.tenant}/keys")
    return keys.text.splitlines()[0]


async def test_a_ledger_is_exported_and_verified_without_a_database(account: Account, file: Path) -> None:
    key = await vkey(account)

    result = ordertrail("verify", file, "--key", key)

    assert (result.returncode, result.stderr) == (0, "")
    first, second = result.stdout.splitlines()
    assert first.startswith(f"{file}: events 1 to 5 of ")
    assert " are whole and in order, under " in first
    assert second == "The signature was checked with the key that you gave."


async def test_an_exported_ledger_continues_the_checkpoint_that_an_auditor_holds(
    http: httpx.AsyncClient, account: Account, file: Path, tmp_path: Path
) -> None:
    held = tmp_path / "held"
    held.write_bytes((await http.get("/trail/v1/ledger/checkpoint")).content)

    result = ordertrail("verify", file, "--checkpoint", held)

    assert result.returncode == 0, result.stdout
    assert "It continues the checkpoint that you hold." in result.stdout


async def test_a_file_that_is_checked_with_its_own_key_says_so(account: Account, file: Path) -> None:
    result = ordertrail("verify", file)

    assert result.returncode == 0
    assert "CAUTION: the signature was checked with the keys that the file itself names" in result.stdout
    assert await vkey(account) in result.stdout


def test_a_plain_file_is_lines_of_json(account: Account, file: Path, tmp_path: Path) -> None:
    named, told = tmp_path / "named.ndjson", tmp_path / "told"

    assert export(account, named).returncode == export(account, told, "--plain").returncode == 0

    assert named.read_bytes() == told.read_bytes() == ZstdDecompressor().stream_reader(file.read_bytes()).read()
    header, *events = [json.loads(line) for line in named.read_text().splitlines()]
    assert header["format"] == "ordertrail-export"
    assert [event["position"] for event in events if "position" in event] == [1, 2, 3, 4, 5]
    assert ordertrail("verify", named).returncode == ordertrail("verify", told).returncode == 0


def test_a_file_that_is_there_is_not_overwritten(account: Account, file: Path) -> None:
    before = file.read_bytes()

    result = export(account, file)

    assert (result.returncode, file.read_bytes()) == (1, before)
    assert result.stderr == f"ordertrail: There is a file {file} already\n"


def test_a_file_that_cannot_be_written_is_said_in_one_line(account: Account, tmp_path: Path) -> None:
    result = export(account, tmp_path / "nowhere" / "acme.zst")

    assert result.returncode == 1
    assert result.stderr.startswith(f"ordertrail: Cannot write {tmp_path}/nowhere/acme.zst: No such file")


async def test_an_order_is_exported_with_proofs_that_hold_by_the_key_alone(
    account: Account, file: Path, tmp_path: Path
) -> None:
    order, compressed = tmp_path / "A-1.json", tmp_path / "A-1.json.zst"
    assert export(account, order, "--order", "web-1").returncode == 0
    assert export(account, compressed, "--order", "A-1").returncode == 0

    for path in (order, compressed):
        result = ordertrail("verify", path, "--key", await vkey(account))

        assert result.returncode == 0, result.stdout
        assert "versions 1 to 3 of order-A-1 are in " in result.stdout
        assert "with the key that you gave" in result.stdout
    proof = json.loads(order.read_text())
    assert [event["position"] for event in proof["events"]] == [1, 3, 4]
    assert "Ann Li" not in order.read_text()


async def test_a_proof_that_was_fetched_is_verified_as_a_file(
    http: httpx.AsyncClient, account: Account, file: Path, tmp_path: Path
) -> None:
    path = tmp_path / "proof.json"
    path.write_bytes((await http.get("/trail/v1/orders/A-1/proofs")).content)

    assert ordertrail("verify", path, "--key", await vkey(account)).returncode == 0


async def test_an_exported_order_is_proven_by_the_verifier_that_uses_nothing_of_ours(
    account: Account, file: Path, tmp_path: Path
) -> None:
    path = tmp_path / "A-1.json"
    assert export(account, path, "--order", "A-1").returncode == 0

    command = [sys.executable, VERIFIER, await vkey(account), path]
    result = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=60, check=False)

    assert result.returncode == 0, result.stdout


async def test_a_changed_order_is_found(account: Account, file: Path, tmp_path: Path) -> None:
    path = tmp_path / "A-1.json"
    assert export(account, path, "--order", "A-1").returncode == 0
    path.write_text(path.read_text().replace("order.status_updated", "order.comment_added", 1))

    result = ordertrail("verify", path)

    assert result.returncode == 1
    assert "DAMAGED: the event at position 3 differs from the one that was sealed there" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "word"),
    [(("--tenant", "nobody"), "no tenant 'nobody'"), (("--order", "nobody"), "no order 'nobody'")],
)
def test_what_there_is_not_is_not_exported(
    account: Account, tmp_path: Path, arguments: tuple[str, ...], word: str
) -> None:
    result = export(account, tmp_path / "file.zst", *arguments)

    assert result.returncode == 1
    assert word in result.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "arguments",
    [("--key", "x"), (__file__, "--views"), (__file__, "--tenant", "acme"), ("/no/such/file",)],
)
def test_a_verification_that_is_not_clear_is_refused(arguments: tuple[str, ...]) -> None:
    assert CliRunner().invoke(app, ["verify", *arguments]).exit_code == 2


def test_progress_is_shown_on_a_terminal(account: Account, file: Path) -> None:
    with Terminal() as terminal:
        result = ordertrail("verify", file, stderr=terminal.number)

    assert result.returncode == 0
    assert b"5/5" in terminal.shown
