"""Nothing is signed over a tree that is not the one that was signed last: sealing stops, says so, and can be mended."""

import asyncio
from base64 import b64encode
from contextlib import suppress
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest

from api.bootstrap import open_sealer
from api.services import Services
from application.access.callers import Tenant
from application.ledger.port import RecordedEvent
from application.transparency.leaf import leaf_hash_of
from application.transparency.proofs import FORMAT, leaf_fields
from application.transparency.tiles import Tile, hash_in, tile_of
from application.transparency.tree import inclusion_path, nodes_of, root_of
from domain.errors import Unavailable, Unproven
from domain.values import TenantName
from infrastructure.postgres.patience import BACKGROUND
from tests.auditor import Auditor
from tests.cluster import ACTIVITY
from tests.fix_sealed import SealedLedger
from tests.integration.transparency.stopped_sealing import NEW, SEALED, assert_mended, stopped

ROOT = "the kept hashes do not have the root that was signed for 300 events"
FULL: LiteralString = "WHERE level = 0 AND number = 0"
WAITING: LiteralString = (
    f"SELECT pid FROM {ACTIVITY} WHERE datname = current_database() AND wait_event_type = 'Lock'"
    " AND query LIKE '%INSERT INTO ordertrail.tree_heads%'"
)
SWAP: LiteralString = """
    UPDATE ordertrail.tiles AS t SET hashes = o.hashes FROM ordertrail.tiles AS o
    WHERE t.tenant <> o.tenant AND t.level = o.level AND t.number = o.number
"""
ANOTHER: LiteralString = "decode(repeat('ab', 32), 'hex')"


async def test_a_forged_leaf_is_not_signed_and_nobody_gets_a_proof_of_it(
    ledger_of_300: SealedLedger, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    ledger, position = ledger_of_300, 290
    [event] = await ledger.services.store.read_ledger(ledger.tenant, after=position - 1, limit=1)
    forged = event._replace(data=b'{"status": "paid"}')
    plant = "UPDATE ordertrail.tiles SET hashes = overlay(hashes PLACING %s FROM %s) WHERE level = 0 AND number = 1"
    assert await ledger.meddle(plant, leaf_hash_of(ledger.tenant, forged), (position - 257) * 32 + 1) == 1

    assert await stopped(ledger, caplog) == ROOT

    auditor = Auditor(tmp_path, await ledger.keys())
    verdict = auditor.check(await proof_by_tiles(ledger, forged, 300))
    assert verdict == f"NOT PROVEN: event {position} is not one of the 300 events that were signed\n"
    of_what_was_recorded = await ledger.services.proofs.of_event(ledger.tenant, position=position, size=300)
    assert auditor.check(of_what_was_recorded).startswith("PROVEN: 1 events are")
    for number in (position - 1, 1):
        with pytest.raises(Unproven):
            await ledger.services.proofs.of_event(ledger.tenant, position=number, size=300)
    assert await ledger.whats() == ["tile 1 of level 0, which proofs are made of, differs from the ledger"]

    await assert_mended(ledger)
    proof = await ledger.services.proofs.of_event(ledger.tenant, position=position)
    assert auditor.check(proof).startswith("PROVEN: 1 events are")


async def proof_by_tiles(ledger: SealedLedger, event: RecordedEvent, size: int) -> dict[str, Any]:
    """Return what somebody who reads the tables can put together as a proof of an event."""
    rows = await ledger.rows("SELECT level, number, hashes FROM ordertrail.tiles")
    tiles = {Tile(level, number): hashes for level, number, hashes in rows}
    path = [
        root_of([hash_in(tiles[tile_of(node)], node) for node in nodes_of(leaves)])
        for leaves in inclusion_path(event.position - 1, size)
    ]
    notes = dict(await ledger.rows("SELECT size, note FROM ordertrail.tree_heads"))
    shown = leaf_fields(ledger.tenant, event) | {"proof": [b64encode(hash_).decode() for hash_ in path]}
    return {"format": FORMAT, "checkpoint": notes[size], "keys": [], "events": [shown]}


@pytest.mark.parametrize(
    ("sql", "error"),
    [
        # Of 300 leaves tile 1 of level 0 has 44, and tile 0 of level 1 one root.
        (f"SET hashes = overlay(hashes PLACING {ANOTHER} FROM 33) WHERE level = 0 AND number = 1", ROOT),
        (f"SET hashes = {ANOTHER} WHERE level = 1", ROOT),
        (
            "SET hashes = substr(hashes, 1, 43 * 32) WHERE number = 1",
            "tile 1 of level 0 has 43 hashes, but should have 44",
        ),
        (
            "SET hashes = substr(hashes, 1, 1400) WHERE number = 1",
            "tile 1 of level 0 has 43.75 hashes, but should have 44",
        ),
        ("SET hashes = '' WHERE level = 1", "tile 0 of level 1 is missing, but should have 1"),
        (f"SET hashes = hashes || {ANOTHER} WHERE number = 1", "tile 1 of level 0 has 45 hashes, but should have 44"),
        (f"SET hashes = hashes || {ANOTHER} WHERE level = 1", "tile 0 of level 1 has 2 hashes, but should have 1"),
    ],
)
async def test_tiles_that_the_service_changed_are_not_sealed_over(
    ledger_of_300: SealedLedger, caplog: pytest.LogCaptureFixture, sql: LiteralString, error: str
) -> None:
    assert await ledger_of_300.meddle(f"UPDATE ordertrail.tiles {sql}") == 1

    assert await stopped(ledger_of_300, caplog) == error
    await assert_mended(ledger_of_300)


@pytest.mark.parametrize(
    ("sql", "error"),
    [
        ("DELETE FROM ordertrail.tiles", "tile 1 of level 0 is missing, but should have 44"),
        ("DELETE FROM ordertrail.tiles WHERE level = 1", "tile 0 of level 1 is missing, but should have 1"),
        ("UPDATE ordertrail.tiles SET level = 2 WHERE level = 1", "tile 0 of level 1 is missing, but should have 1"),
        (
            "INSERT INTO ordertrail.tiles SELECT tenant, 2, 0, hashes FROM ordertrail.tiles WHERE level = 1",
            "tile 0 of level 2 should not be there",
        ),
        pytest.param(
            SWAP, ROOT, marks=pytest.mark.one_server("a cluster joins the rows of two tenants in no statement")
        ),
    ],
)
async def test_tiles_that_a_superuser_took_away_or_swapped_are_not_sealed_over(
    ledger_of_300: SealedLedger, caplog: pytest.LogCaptureFixture, sql: LiteralString, error: str
) -> None:
    await ledger_of_300.create_tenant("globex", is_implicit=True, dintero_account=None)
    globex = SealedLedger(ledger_of_300.services, TenantName("globex"), ledger_of_300.dsn)
    await globex.tell(SEALED)
    await globex.seal(batch=SEALED)
    await ledger_of_300.tamper(sql)

    assert await stopped(ledger_of_300, caplog) == error
    await assert_mended(ledger_of_300)
    assert (await globex.sizes())[-1] == SEALED


@pytest.mark.parametrize("size", [256, 65_536])
async def test_a_tile_that_was_put_where_the_next_one_begins_is_found(
    services: Services, tenant: Tenant, dsn: str, size: int
) -> None:
    ledger = SealedLedger(services, tenant.name, dsn)
    for n in range(size // 256):
        await ledger.tell(256, order_id=str(n))
    await ledger.seal(batch=size)
    await ledger.meddle(f"INSERT INTO ordertrail.tiles VALUES ('acme', 0, {size // 256}, {ANOTHER})")
    await ledger.tell(1)

    await ledger.seal()

    assert await ledger.error() == f"tile {size // 256} of level 0 should not be there"
    assert await ledger.sizes() == [size]
    assert (await ledger.repair()).removed == 1
    await ledger.seal()
    assert await ledger.sizes() == [size, size + 1]
    assert await ledger.damages() == []


async def test_an_empty_tree_has_neither_tiles_nor_a_checkpoint(services: Services, tenant: Tenant, dsn: str) -> None:
    ledger = SealedLedger(services, tenant.name, dsn)
    await ledger.meddle(f"INSERT INTO ordertrail.tiles VALUES ('acme', 0, 0, {ANOTHER})")
    await ledger.tell(1)

    await ledger.seal()

    assert (await ledger.error(), await ledger.sizes()) == ("tile 0 of level 0 should not be there", [])
    await ledger.repair()
    await ledger.seal()
    assert (await ledger.error(), await ledger.sizes()) == (None, [1])


async def test_a_full_tile_that_was_changed_proves_nothing_and_is_named(ledger_of_300: SealedLedger) -> None:
    """Growing does not depend on it, so sealing goes on."""
    await ledger_of_300.meddle(f"UPDATE ordertrail.tiles SET hashes = overlay(hashes PLACING {ANOTHER} FROM 33) {FULL}")
    await ledger_of_300.tell(NEW)

    await ledger_of_300.seal()

    assert (await ledger_of_300.sizes())[-1] == SEALED + NEW
    for position in (1, 3, 100):
        with pytest.raises(Unproven):
            await ledger_of_300.services.proofs.of_event(ledger_of_300.tenant, position=position, size=300)
    assert await ledger_of_300.services.proofs.of_event(ledger_of_300.tenant, position=SEALED + NEW)
    assert await ledger_of_300.whats() == ["tile 0 of level 0, which proofs are made of, differs from the ledger"]
    assert (await ledger_of_300.repair()).replaced == 1
    assert await ledger_of_300.damages() == []


async def test_of_several_sealers_one_finds_the_damage_and_says_so_once(
    ledger_of_300: SealedLedger, caplog: pytest.LogCaptureFixture
) -> None:
    await ledger_of_300.meddle(f"UPDATE ordertrail.tiles SET hashes = {ANOTHER} WHERE level = 1")
    await ledger_of_300.tell(NEW)

    async with open_sealer(ledger_of_300.dsn) as one, open_sealer(ledger_of_300.dsn) as other:
        for _ in range(5):
            await asyncio.gather(one.seal_all(), other.seal_all())

        assert (await ledger_of_300.sizes())[-1] == SEALED
        assert caplog.text.count("Sealing of tenant ") == 1
        await ledger_of_300.repair()
        await asyncio.gather(one.seal_all(), other.seal_all())
        assert (await ledger_of_300.sizes())[-1] == SEALED + NEW


async def test_a_sealer_that_dies_between_its_tiles_and_its_checkpoint_leaves_nothing(
    ledger_of_300: SealedLedger, dsn: str
) -> None:
    await ledger_of_300.tell(NEW)
    async with await psycopg.AsyncConnection.connect(dsn) as somebody, open_sealer(dsn, patience=BACKGROUND) as sealer:
        # The sealer waits for whoever is about to keep a checkpoint of the same size.
        await somebody.execute("INSERT INTO ordertrail.tree_heads (tenant, size, note) VALUES ('acme', 307, '')")
        sealing = asyncio.create_task(sealer.seal_all())
        while not await ledger_of_300.rows(WAITING):  # noqa: ASYNC110 another session waits
            await asyncio.sleep(0.01)
        await ledger_of_300.rows(f"SELECT pg_terminate_backend(pid) FROM ({WAITING}) AS w (pid)")
        with suppress(Unavailable):
            await sealing
        await somebody.rollback()

    assert await ledger_of_300.rows("SELECT size FROM ordertrail.trees") == [(300,)]
    assert await ledger_of_300.damages() == []
    await ledger_of_300.seal()
    assert (await ledger_of_300.sizes())[-1] == SEALED + NEW
    assert await ledger_of_300.damages() == []


async def test_one_damaged_ledger_keeps_no_other_from_being_sealed(ledger_of_300: SealedLedger) -> None:
    await ledger_of_300.create_tenant("globex", is_implicit=True, dintero_account=None)
    globex = SealedLedger(ledger_of_300.services, TenantName("globex"), ledger_of_300.dsn)
    await ledger_of_300.meddle(f"UPDATE ordertrail.tiles SET hashes = {ANOTHER} WHERE level = 1")
    for ledger in (ledger_of_300, globex):
        await ledger.tell(NEW)

    await globex.seal()

    assert await globex.sizes() == [NEW]
    assert await globex.damages() == []
    assert await ledger_of_300.error() == ROOT
