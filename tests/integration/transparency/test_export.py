"""An exported ledger is what is stored, byte for byte, with all that was signed, and nothing that could decrypt it."""

import asyncio
import json
import os
from base64 import b64decode
from pathlib import Path

import psycopg
import pytest

from api.bootstrap import open_sealer
from api.cli.files.ledger_files import Verdict, export_ledger, verify_file
from api.services import Services
from application.access.callers import Tenant
from application.ledger.codec import encode
from application.ledger.port import ANY, Append, NewEvent, RecordedEvent, Write
from application.ledger_file.lines import FileDamaged
from application.transparency.checkpoint import Checkpoint
from application.transparency.keys import new_signing_key
from application.transparency.tree import EMPTY_ROOT
from domain.errors import TenantNotFound
from domain.values import TenantName
from tests.builders import a_created_event, a_customer, an_actor, an_event
from tests.ledger_files import checked, opened


async def tell(services: Services, tenant: Tenant, order_id: str, *events: NewEvent) -> None:
    await services.store.append(Append(tenant.name, (Write(f"order-{order_id}", ANY, events),)))


async def exported(services: Services, tenant: Tenant) -> list[bytes]:
    return [line async for _, _, lines in services.ledger_export.lines(tenant.name) for line in lines]


async def stored(dsn: str) -> list[RecordedEvent]:
    columns = ", ".join(RecordedEvent._fields)
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        cursor = await connection.execute(f"SELECT {columns} FROM ordertrail.events ORDER BY position".encode())
        return [RecordedEvent(*row) for row in await cursor.fetchall()]


def events_of(lines: list[bytes]) -> list[RecordedEvent]:
    with opened(lines) as file:
        return [event for page in file.pages() for event in page]


async def test_a_file_has_the_bytes_that_are_stored(services: Services, tenant: Tenant, dsn: str) -> None:
    await tell(services, tenant, "1", encode(a_created_event(actor=an_actor())), encode(an_event(status="open")))
    await tell(services, tenant, "book", NewEvent("foreign", "library.book_lent", bytes(range(256)), b"", None))

    lines = await exported(services, tenant)

    assert events_of(lines) == await stored(dsn)
    assert await services.store.head(tenant.name) == len(events_of(lines)) == 3


async def test_personal_data_stays_encrypted_and_no_key_is_in_the_file(
    services: Services, tenant: Tenant, dsn: str
) -> None:
    await tell(services, tenant, "1", encode(a_created_event(customer=a_customer(name="Grace Hopper"))))

    [event] = events_of(lines := await exported(services, tenant))

    [shown] = await services.store.read_ledger(tenant.name)
    assert b"Grace Hopper" in shown.data
    assert b"Grace Hopper" not in event.data
    assert b"enc:v1:" in event.data
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        keys = await (await connection.execute("SELECT wrapped FROM ordertrail.subject_keys")).fetchall()
    assert keys
    assert list(json.loads(lines[0])) == ["format", "version", "tenant", "origin", "keys", "from", "to"]
    plain = b"".join(b64decode(json.loads(line).get("data", "")) for line in lines)
    assert not any(wrapped in plain for (wrapped,) in keys)


async def test_all_that_was_signed_is_in_the_file(
    services: Services, owner: Services, tenant: Tenant, dsn: str
) -> None:
    async with open_sealer(dsn) as sealer:
        for n in range(3):
            await tell(services, tenant, str(n), encode(an_event()), encode(an_event()))
            await sealer.seal_all()
            if n == 1:
                await owner.signing_keys.add_signing_key(new_signing_key())
                await owner.signing_keys.retire_signing_keys()

    lines = await exported(services, tenant)

    keys = await services.proofs.verifiers(tenant.name)
    notes = [json.loads(line)["checkpoint"] for line in lines if line.startswith(b'{"checkpoint"')]
    assert notes == [await services.proofs.checkpoint(tenant.name, size) for size in (2, 4, 6)]
    assert json.loads(lines[0])["keys"] == [str(key) for key in keys]
    assert checked(lines).trailer.root == Checkpoint.verified(notes[-1], keys).root


async def test_a_ledger_is_sealed_to_its_end_before_it_is_exported(services: Services, tenant: Tenant) -> None:
    await tell(services, tenant, "1", encode(an_event()))

    found = checked(await exported(services, tenant))

    assert (found.trailer.events, found.last_note) == (1, await services.proofs.checkpoint(tenant.name))


async def test_an_empty_ledger_is_exported(services: Services, tenant: Tenant) -> None:
    found = checked(await exported(services, tenant))

    assert (found.trailer.events, found.trailer.checkpoints, found.trailer.root) == (0, 0, EMPTY_ROOT)


async def test_what_is_appended_meanwhile_is_left_to_the_next_export(services: Services, tenant: Tenant) -> None:
    await tell(services, tenant, "1", *(encode(an_event()) for _ in range(3)))
    lines: list[bytes] = []

    async for _, _, page in services.ledger_export.lines(tenant.name):
        lines += page
        await tell(services, tenant, "2", encode(an_event()))

    assert checked(lines).trailer.events == 3


async def test_a_page_may_hold_a_single_event(
    services: Services, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, dsn: str
) -> None:
    monkeypatch.setattr("application.ledger_file.writing.PAGE", 1)
    async with open_sealer(dsn, batch=2) as sealer:
        await tell(services, tenant, "1", *(encode(an_event()) for _ in range(5)))
        await sealer.seal_all()

    assert checked(await exported(services, tenant)).trailer[:2] == (5, 3)


async def test_there_is_no_file_of_a_ledger_that_is_not_what_was_signed(
    services: Services, tenant: Tenant, dsn: str, tmp_path: Path
) -> None:
    await tell(services, tenant, "1", *(encode(an_event()) for _ in range(3)))
    await export_ledger(dsn, tenant.name, tmp_path / "whole.ndjson", plain=False)
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        await connection.execute("UPDATE ordertrail.events SET data = data || ' ' WHERE position = 2")

    with pytest.raises(FileDamaged, match=r"events 1 to 3 differs from what was signed; run ordertrail verify"):
        await export_ledger(dsn, tenant.name, tmp_path / "changed.ndjson", plain=False)

    assert await asyncio.to_thread(os.listdir, tmp_path) == ["whole.ndjson"]
    assert await asyncio.to_thread(verify_file, tmp_path / "whole.ndjson", ()) is Verdict.WHOLE


async def test_there_is_no_file_of_a_tenant_that_does_not_exist(services: Services) -> None:
    with pytest.raises(TenantNotFound):
        await exported(services, Tenant(TenantName("nobody"), is_implicit=False, dintero_account=None))
