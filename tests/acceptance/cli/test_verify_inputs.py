"""What `ordertrail verify` cannot check is told apart from what is damaged, in words and by the exit status."""

import asyncio
import gzip
import json
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest

from tests.commands import ordertrail
from tests.fix_server import Account
from tests.ledger_files import edited
from tests.native import an_order, append, status

WHOLE, DAMAGED, NOT_CHECKED = 0, 1, 2
Result = subprocess.CompletedProcess[str]


@pytest.fixture
async def lines(http: httpx.AsyncClient, account: Account, tmp_path: Path) -> list[bytes]:
    """The lines of an exported ledger."""
    order_id = await an_order(http)
    await append(http, order_id, status("open"), status("shipped"))
    path = tmp_path / "export.ndjson"
    exported = await asyncio.to_thread(ordertrail, "export", path, "--tenant", account.tenant, "--dsn", account.dsn)
    assert exported.returncode == 0, exported.stderr
    return path.read_bytes().splitlines(keepends=True)


@pytest.fixture
async def key(account: Account) -> str:
    async with httpx.AsyncClient(base_url=account.url) as anybody:
        return (await anybody.get(f"/trail/v1/ledgers/{account.tenant}/keys")).text


@pytest.fixture
def verify(tmp_path: Path) -> Callable[..., Result]:
    """Verifies what a file of this content holds."""

    def run(content: bytes, *arguments: object) -> Result:
        path = tmp_path / "file"
        path.write_bytes(content)
        return ordertrail("verify", path, *arguments)

    return run


def assert_not_checked(result: Result, *words: str) -> None:
    said = result.stdout + result.stderr
    assert result.returncode == NOT_CHECKED, said
    assert "DAMAGED" not in said
    assert "Traceback" not in said
    for word in words:
        assert word in said


async def test_what_is_done_to_a_file_by_accident_is_not_damage(
    lines: list[bytes], key: str, verify: Callable[..., Result]
) -> None:
    whole = b"".join(lines)

    for harmless in (whole[:-1], b"\xef\xbb\xbf" + whole, whole.replace(b"\n", b"\r\n"), gzip.compress(whole)):
        result = verify(harmless, "--key", key)
        assert (result.returncode, "are whole and in order" in result.stdout) == (WHOLE, True)
    assert_not_checked(verify(b"", "--key", key), "NOT CHECKED: it is empty")
    assert_not_checked(verify(b"".join(lines[:-2]), "--key", key), "NOT CHECKED: it was cut off")
    assert_not_checked(verify(whole[:-30]), "NOT CHECKED: it was cut off")
    assert_not_checked(verify(gzip.compress(whole)[:-20]), "NOT CHECKED: it was cut off")
    assert_not_checked(verify(whole.decode().encode("utf-16")), "NOT CHECKED: it is in UTF-16")
    assert_not_checked(verify(b"<html>"), "NOT CHECKED: it was cut off, or Ordertrail did not write it")


async def test_damage_is_said_to_be_damage(lines: list[bytes], key: str, verify: Callable[..., Result]) -> None:
    lines[1] = edited(lines[1], type="order.archived")

    for content in (b"".join(lines), b"\xef\xbb\xbf" + b"".join(lines)[:-1], gzip.compress(b"".join(lines))):
        result = verify(content, "--key", key)
        assert (result.returncode, ": DAMAGED: " in result.stdout) == (DAMAGED, True)


async def test_anothers_key_is_not_the_files_fault(
    lines: list[bytes],
    key: str,
    verify: Callable[..., Result],
    another_account: Callable[[], Awaitable[Account]],
) -> None:
    other = await another_account()
    async with httpx.AsyncClient(base_url=other.url) as anybody:
        theirs = (await anybody.get(f"/trail/v1/ledgers/{other.tenant}/keys")).text

    assert_not_checked(verify(b"".join(lines), "--key", theirs), "None of these keys has signed it", theirs.strip())
    for none in ("", "x", key.strip()[:-3]):
        assert_not_checked(verify(b"".join(lines), "--key", none), "ordertrail: --key: ")
    assert verify(b"".join(lines), "--key", f"\ufeff{key}\r\n\r\n").returncode == WHOLE


async def test_a_checkpoint_that_is_none_is_not_the_ledgers_fault(
    lines: list[bytes], account: Account, http: httpx.AsyncClient, verify: Callable[..., Result], tmp_path: Path
) -> None:
    note, held = (await http.get("/trail/v1/ledger/checkpoint")).content, tmp_path / "held"

    def verified(content: bytes) -> list[Result]:
        held.write_bytes(content)
        in_place = ["--tenant", account.tenant, "--dsn", account.dsn]
        return [verify(b"".join(lines), "--checkpoint", held), ordertrail("verify", *in_place, "--checkpoint", held)]

    for harmless in (
        note,
        note[:-1],
        b"\xef\xbb\xbf" + note,
        note.replace(b"\n", b"\r\n"),
        note.decode().encode("utf-16"),
    ):
        assert [result.returncode for result in verified(harmless)] == [WHOLE] * 2
    for wrong in (b"", b"\n", b"x", note[:50], note.replace(b"ordertrail/", b"other/")):
        for result in verified(wrong):
            assert_not_checked(result, "the checkpoint that you hold")


async def test_receipts_and_proofs_are_judged_likewise(http: httpx.AsyncClient, verify: Callable[..., Result]) -> None:
    order_id = await an_order(http)
    answer = (await append(http, order_id, status("open"), Prefer="receipt")).json()
    whole = json.dumps(answer).encode()
    [event] = answer["receipt"]["events"]
    changed = {**answer["receipt"], "events": [{**event, "stream": "order-x"}]}

    assert verify(b"\xef\xbb\xbf" + whole).returncode == verify(gzip.compress(whole)).returncode == WHOLE
    assert_not_checked(verify(whole[:-20]), "it was cut off, or Ordertrail did not write it")
    assert_not_checked(verify(b'{"title": "Not found", "status": 404}'), "it is not a proof")
    damaged = verify(json.dumps(changed).encode())
    assert (damaged.returncode, "DAMAGED: the event at position" in damaged.stdout) == (DAMAGED, True)


def test_what_cannot_be_looked_at_is_not_damaged(tmp_path: Path) -> None:
    nowhere = f"host={tmp_path} dbname=none"

    assert_not_checked(ordertrail("verify", "--tenant", "acme", "--dsn", nowhere))
    assert_not_checked(ordertrail("verify", tmp_path / "none"))
