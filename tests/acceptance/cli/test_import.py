"""`ordertrail import`: another installation gets the ledger as it is, whatever interrupts it."""

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from zstandard import ZstdCompressor

from api.bootstrap import open_services, set_up_database
from api.settings import read_settings
from application.ledger.port import ANY, Append, NewEvent, Write
from domain.values import TenantName
from tests.fix_postgres import database
from tests.fix_server import ORDERTRAIL
from tests.fix_store import held
from tests.ledger_files import a_file, a_signer, edited
from tests.terminal import Terminal

ACME = TenantName("acme")
SIZE = 30_000
BATCH = 1_000
COLUMNS = "position, stream, version, event_id, type, data, metadata, occurred_at, recorded_at"


def ordertrail(*arguments: object, stderr: int = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    command = [str(ORDERTRAIL), *map(str, arguments)]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=stderr, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def source_dsn(server_dsn: str, template_name: str) -> Iterator[str]:
    """An installation with a ledger of 30,000 events."""
    with database(server_dsn, template=template_name) as fresh:
        set_up_database(fresh, read_settings())
        asyncio.run(_fill(fresh))
        yield fresh


async def _fill(dsn: str) -> None:
    async with open_services(dsn, as_owner=True) as services:
        await services.credentials.create_tenant(ACME, is_implicit=False, dintero_account=None)
        for start in range(0, SIZE, BATCH):
            events = (NewEvent(f"e{n}", "library.told", b"%d" % n, b"", None) for n in range(start, start + BATCH))
            write = Write(f"stream-{start // BATCH % 7}", ANY, tuple(events))
            await services.store.append(Append(ACME, (write,)))


@pytest.fixture(scope="module")
def file(source_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The exported ledger."""
    path = tmp_path_factory.mktemp("export") / "acme.ndjson.zst"
    result = ordertrail("export", path, "--tenant", ACME, "--dsn", source_dsn)
    assert (result.returncode, result.stderr) == (0, "")
    return path


async def ledger_of(dsn: str) -> list[tuple[object, ...]]:
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        cursor = await connection.execute(f"SELECT {COLUMNS} FROM ordertrail.events ORDER BY position".encode())
        return await cursor.fetchall()


async def head(dsn: str) -> int:
    """Return the ledger's head, 0 also if there is none yet."""
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        row = await (await connection.execute("SELECT position FROM ordertrail.ledgers")).fetchone()
    return int(row[0]) if row else 0


async def test_a_ledger_goes_into_another_installation_as_it_is(source_dsn: str, file: Path, dsn: str) -> None:
    result = ordertrail("import", file, "--dsn", dsn)

    assert (result.returncode, result.stderr) == (0, "")
    created, imported, *_ = result.stdout.splitlines()
    assert created == "Tenant acme was created"
    assert imported.startswith(f"acme: {SIZE} events imported, 0 were there; root ")
    assert await ledger_of(dsn) == await ledger_of(source_dsn)
    assert ordertrail("verify", "--dsn", dsn).returncode == 0

    again, other_file = ordertrail("import", file, "--dsn", dsn), file.with_name("again.ndjson")
    assert again.stdout.startswith(f"acme: 0 events imported, {SIZE} were there; root ")
    exported = ordertrail("export", other_file, "--tenant", ACME, "--dsn", dsn)
    assert root_in(exported.stdout) == root_in(imported)


def root_in(printed: str) -> str:
    return printed.split("; root ")[1].split(maxsplit=1)[0]


async def test_an_import_that_was_killed_goes_on_where_it_was(source_dsn: str, file: Path, dsn: str) -> None:
    process = await asyncio.create_subprocess_exec(ORDERTRAIL, "import", file, "--dsn", dsn)
    while not await head(dsn):
        assert process.returncode is None
    # It stops at the lock of the ledger, before one of its pages.
    async with held(dsn, ACME):
        process.kill()
        await process.wait()

    done = await head(dsn)
    assert 0 < done < SIZE
    assert await ledger_of(dsn) == (await ledger_of(source_dsn))[:done]
    result = ordertrail("import", file, "--dsn", dsn)
    assert result.stdout.startswith(f"acme: {SIZE - done} events imported, {done} were there; root ")
    assert await ledger_of(dsn) == await ledger_of(source_dsn)


def test_progress_is_shown_on_a_terminal(file: Path, dsn: str) -> None:
    with Terminal() as terminal:
        result = ordertrail("import", file, "--dsn", dsn, stderr=terminal.number)

    assert result.returncode == 0
    assert b"checking" in terminal.shown
    assert b"importing" in terminal.shown


@pytest.mark.parametrize(
    ("end", "status", "told"),
    [(b"more", 1, "is damaged"), (None, 2, "cannot be checked")],
    ids=["damaged", "cut off"],
)
def test_a_file_whose_end_is_not_as_it_was_is_refused_before_anything_is_stored(
    dsn: str, file: Path, tmp_path: Path, end: bytes | None, status: int, told: str
) -> None:
    changed, whole = tmp_path / "changed.zst", file.read_bytes()
    changed.write_bytes(whole[:-100] if end is None else whole + ZstdCompressor().compress(end))

    result = ordertrail("import", changed, "--dsn", dsn)

    assert (result.returncode, result.stdout) == (status, "")
    assert result.stderr.startswith(f"ordertrail: {changed} {told}, and nothing of it was imported: ")
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT FROM ordertrail.tenants").fetchall() == []


def test_a_file_that_another_has_signed_is_refused(dsn: str, file: Path) -> None:
    refused = ordertrail("import", file, "--key", a_signer("another").verifier, "--dsn", dsn)
    no_key = ordertrail("import", file, "--key", "x", "--dsn", dsn)

    assert (refused.returncode, no_key.returncode) == (2, 2)
    assert "cannot be checked, and nothing of it was imported: its last checkpoint is signed with" in refused.stderr
    assert no_key.stderr == "ordertrail: --key: A key is written <name>+<id>+<base64>\n"


def test_a_tenant_that_cannot_be_is_refused(dsn: str, tmp_path: Path) -> None:
    path = tmp_path / "file.ndjson"
    header, *rest = a_file([])
    path.write_bytes(b"".join([edited(header, tenant="../acme"), *rest]))

    result = ordertrail("import", path, "--dsn", dsn)

    assert result.returncode == 1
    assert "cannot be a tenant's name" in result.stderr


def test_a_proof_of_an_order_is_not_imported(dsn: str, tmp_path: Path) -> None:
    path = tmp_path / "order.json"
    path.write_text('{"format": "ordertrail-proof/v1"}\n')

    result = ordertrail("import", path, "--dsn", dsn)

    assert result.returncode == 2
    assert "cannot be checked, and nothing of it was imported: Ordertrail did not write it" in result.stderr
