"""Sealing: events become leaves after their commit, exactly once and in order, and their root is signed."""

import asyncio
from base64 import b64decode
from collections.abc import AsyncIterator
from math import inf
from typing import LiteralString

import psycopg
import pytest

from api.bootstrap import open_sealer
from api.services import Services
from application.access.callers import Tenant
from application.ledger.codec import encode
from application.ledger.port import ANY, Append, Write
from application.transparency.checkpoint import Checkpoint
from application.transparency.keys import identity, new_signing_key
from application.transparency.leaf import leaf_hash_of
from application.transparency.note import Verifier, verify
from application.transparency.sealing import Sealer
from application.transparency.tree import EMPTY_ROOT, Frontier
from domain.errors import NotSealed, Unproven
from tests.builders import an_event


@pytest.fixture
async def sealer(dsn: str) -> AsyncIterator[Sealer]:
    async with open_sealer(dsn) as opened:
        yield opened


async def tell(services: Services, tenant: Tenant, count: int, *, order_id: str = "1") -> None:
    for n in range(count):
        write = Write(f"order-{order_id}", ANY, (encode(an_event(status=f"s{n}")),))
        await services.store.append(Append(tenant.name, (write,)))


async def expected_root(services: Services, tenant: Tenant, size: int) -> bytes:
    """Return the root as the leaves' definition in Python has it."""
    frontier = Frontier()
    for event in await services.store.read_ledger(tenant.name, upto=size, limit=size + 1):
        frontier.add(leaf_hash_of(tenant.name, event))
    return frontier.root()


async def sealed(services: Services, tenant: Tenant, size: int | None = None) -> Checkpoint:
    note = await services.proofs.checkpoint(tenant.name, size)
    return Checkpoint.verified(note, await services.proofs.verifiers(tenant.name))


async def test_the_root_of_what_was_committed_is_signed(services: Services, tenant: Tenant, sealer: Sealer) -> None:
    await tell(services, tenant, 3)
    assert (await services.health.sealing())[:2] == (3, 0)

    await sealer.seal_all()

    assert (await services.health.sealing())[:2] == (0, 0)
    checkpoint = await sealed(services, tenant)
    assert checkpoint.size == 3
    assert checkpoint.root == await expected_root(services, tenant, 3) != EMPTY_ROOT
    assert checkpoint.origin.endswith("/acme")


async def test_nothing_is_sealed_of_an_empty_ledger(services: Services, tenant: Tenant, sealer: Sealer) -> None:
    await sealer.seal_all()

    with pytest.raises(NotSealed, match="no events"):
        await services.proofs.checkpoint(tenant.name)


@pytest.mark.parametrize("batch", [1, 7, 256, 300, 10_000])
async def test_a_tree_is_the_same_whatever_the_size_of_a_batch(
    services: Services, tenant: Tenant, dsn: str, batch: int
) -> None:
    events = tuple(encode(an_event(status=f"s{n}")) for n in range(600))
    await services.store.append(Append(tenant.name, (Write("order-1", ANY, events),)))

    async with open_sealer(dsn, batch=batch) as sealer:
        await sealer.seal_all()

    assert (await sealed(services, tenant)).root == await expected_root(services, tenant, 600)


async def test_what_is_sealed_while_others_append_is_what_they_appended(
    services: Services, tenant: Tenant, dsn: str
) -> None:
    async with open_sealer(dsn, batch=5) as one, open_sealer(dsn, batch=3) as other:
        appending = asyncio.gather(*(tell(services, tenant, 15, order_id=str(n)) for n in range(8)))
        while not appending.done():
            await asyncio.gather(one.seal_all(), other.seal_all())
        await appending
        await asyncio.gather(one.seal_all(), other.seal_all())
        await one.seal_all()

    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        cursor = await connection.execute("SELECT size FROM ordertrail.tree_heads ORDER BY size")
        sizes = [row[0] for row in await cursor.fetchall()]
    assert sizes[-1] == 120
    for size in sizes:
        assert (await sealed(services, tenant, size)).root == await expected_root(services, tenant, size)


async def test_a_ledger_that_became_shorter_is_not_sealed_over(
    services: Services, tenant: Tenant, sealer: Sealer, dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    await tell(services, tenant, 3)
    await sealer.seal_all()
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        await connection.execute("DELETE FROM ordertrail.events WHERE position = 3")
        await connection.execute("UPDATE ordertrail.ledgers SET position = 2")

    await sealer.seal_all()
    await tell(services, tenant, 2)
    await sealer.seal_all()

    assert (await sealed(services, tenant)).size == 3
    assert "run ordertrail verify" in caplog.text
    assert (await services.health.sealing())[:2] == (1, 1)


async def test_proofs_whose_hashes_are_gone_are_not_made_up(
    services: Services, tenant: Tenant, sealer: Sealer, dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    await tell(services, tenant, 3)
    await sealer.seal_all()
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        await connection.execute("DELETE FROM ordertrail.tiles")

    with pytest.raises(Unproven):
        await services.proofs.of_event(tenant.name, position=1)
    assert "run ordertrail verify" in caplog.text


@pytest.mark.parametrize("note", ["SELECT note FROM ordertrail.tree_heads", "SELECT ''"])
async def test_proofs_under_a_checkpoint_that_was_changed_are_not_made_up(
    services: Services, tenant: Tenant, sealer: Sealer, dsn: str, caplog: pytest.LogCaptureFixture, note: LiteralString
) -> None:
    await tell(services, tenant, 1)
    await sealer.seal_all()
    await tell(services, tenant, 1)
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        await connection.execute(f"INSERT INTO ordertrail.tree_heads (tenant, size, note) SELECT 'acme', 9, ({note})")

    with pytest.raises(Unproven):
        await services.proofs.of_event(tenant.name, position=2)
    assert "run ordertrail verify" in caplog.text


async def test_keys_rotate_and_what_the_old_one_signed_stays_verifiable(
    services: Services, owner: Services, tenant: Tenant, sealer: Sealer
) -> None:
    await tell(services, tenant, 1)
    await sealer.seal_all()
    await owner.signing_keys.add_signing_key(new_signing_key())
    await tell(services, tenant, 1)
    await sealer.seal_all()
    await owner.signing_keys.retire_signing_keys()
    await tell(services, tenant, 1)
    await sealer.seal_all()

    old, new = await services.proofs.verifiers(tenant.name)
    assert [await signed_by(services, tenant, size, old, new) for size in (1, 2, 3)] == ["old", "old new", "new"]
    assert len((await identity(services.signing_keys, tenant.name)).signers) == 1


async def test_a_sealer_that_does_not_know_the_newest_key_yet_goes_on_from_what_it_signed(
    services: Services, owner: Services, tenant: Tenant, sealer: Sealer, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await tell(services, tenant, 1)
    await sealer.seal_all()
    # In the middle of a round, which has asked for the keys already:
    monkeypatch.setattr("application.transparency.sealing.KEYS_SECONDS", 1_000)
    sealer._ask_at = -inf
    await sealer.seal(tenant.name)
    await owner.signing_keys.add_signing_key(new_signing_key())
    await owner.signing_keys.retire_signing_keys()
    await tell(services, tenant, 1)
    async with open_sealer(dsn) as another:
        await another.seal_all()
    await tell(services, tenant, 1)

    await sealer.seal(tenant.name)

    old, new = await services.proofs.verifiers(tenant.name)
    assert [await signed_by(services, tenant, size, old, new) for size in (1, 2, 3)] == ["old", "new", "new"]
    assert (await services.health.sealing())[:2] == (0, 0)


async def signed_by(services: Services, tenant: Tenant, size: int, old: Verifier, new: Verifier) -> str:
    note = await services.proofs.checkpoint(tenant.name, size)
    assert verify(note, [old, new])
    lines = note.split("\n\n")[1]
    ids = {"old": old, "new": new}
    signed = [b64decode(line.split(" ")[2])[:4] for line in lines.splitlines()]
    return " ".join(name for name, verifier in ids.items() if verifier.key_id in signed)
