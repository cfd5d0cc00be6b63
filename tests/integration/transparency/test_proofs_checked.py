"""No proof is handed out that does not check out, whatever was done to what proofs are made of."""

import asyncio
import logging
from itertools import combinations
from pathlib import Path

import pytest

from api.cli.files.ledger_files import export_ledger, export_order
from api.services import Services
from application.access.callers import Tenant
from application.ledger_file.proof import check_proof
from application.transparency.checkpoint import Checkpoint
from application.transparency.tiles import HASH, Tile
from application.transparency.tree import Range, is_consistent
from domain.errors import EventNotFound, OrdertrailError, Unproven
from tests.fix_sealed import SealedLedger

SIZES = [100, 200, 256, 300, 512, 600]
POSITIONS = [1, 2, 100, 256, 257, 400, 512, 513, 600]
TILES = [Tile(0, 0), Tile(0, 1), Tile(0, 2), Tile(1, 0)]


@pytest.fixture
async def ledger_of_600(services: Services, tenant: Tenant, dsn: str) -> SealedLedger:
    ledger, told = SealedLedger(services, tenant.name, dsn), 0
    for size in SIZES:
        await ledger.tell(size - told, order_id=str(size))
        await ledger.seal(batch=1_000)
        told = size
    return ledger


async def root(ledger: SealedLedger, size: int) -> bytes:
    note = await ledger.services.proofs.checkpoint(ledger.tenant, size)
    return Checkpoint.verified(note, await ledger.services.proofs.verifiers(ledger.tenant)).root


async def refused_events(ledger: SealedLedger) -> int:
    """Ask for many proofs of events, check those that are answered, and return how many are refused."""
    proofs, keys, refused = ledger.services.proofs, await ledger.services.proofs.verifiers(ledger.tenant), 0
    for size in SIZES:
        for position in [position for position in POSITIONS if position <= size]:
            try:
                proof = await proofs.of_event(ledger.tenant, position=position, size=size)
            except Unproven:
                refused += 1
            else:
                assert check_proof(proof, trusted=keys).events[0].position == position
    return refused


async def refused_continuations(ledger: SealedLedger) -> int:
    """Ask for many proofs of consistency, check those that are answered, and return how many are refused."""
    refused = 0
    for old, new in combinations(SIZES, 2):
        try:
            path = (await ledger.services.proofs.consistency(ledger.tenant, old, new)).proof
        except Unproven:
            refused += 1
        else:
            assert is_consistent(old, await root(ledger, old), new, await root(ledger, new), path)
    return refused


async def test_of_a_whole_ledger_everything_is_proven(ledger_of_600: SealedLedger) -> None:
    assert await refused_events(ledger_of_600) == await refused_continuations(ledger_of_600) == 0


@pytest.mark.parametrize("at", [0, 7 * HASH + 3, -1])
@pytest.mark.parametrize("tile", TILES)
async def test_one_byte_of_a_tile_that_was_changed_is_never_proven_and_can_be_mended(
    ledger_of_600: SealedLedger, tile: Tile, at: int
) -> None:
    flip = """
        UPDATE ordertrail.tiles
        SET hashes = set_byte(hashes, p.at, get_byte(hashes, p.at) # 1)
        FROM (SELECT (%s + octet_length(t.hashes)) %% octet_length(t.hashes) AS at FROM ordertrail.tiles AS t
              WHERE (t.level, t.number) = (%s, %s)) AS p
        WHERE (level, number) = (%s, %s)
    """
    assert await ledger_of_600.meddle(flip, at, *tile, *tile) == 1

    assert await refused_events(ledger_of_600) + await refused_continuations(ledger_of_600) > 0
    assert await ledger_of_600.whats() == [
        f"tile {tile.number} of level {tile.level}, which proofs are made of, differs from the ledger"
    ]

    assert (await ledger_of_600.repair()).replaced == 1
    assert await refused_events(ledger_of_600) == await refused_continuations(ledger_of_600) == 0
    assert await ledger_of_600.damages() == []


async def test_an_event_that_was_changed_is_not_proven(
    ledger_of_600: SealedLedger, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    proofs, tenant = ledger_of_600.services.proofs, ledger_of_600.tenant
    await ledger_of_600.tamper("UPDATE ordertrail.events SET data = data || ' ' WHERE position = 257")
    what = "proof does not show that the event at position 257 is one of the"

    with pytest.raises(Unproven, match=f"The {what} 300 events that were signed"):
        await proofs.of_event(tenant, position=257)
    with pytest.raises(Unproven, match=what):
        await proofs.of_order(tenant, "300")
    with pytest.raises(Unproven, match=what):
        await proofs.of_positions(tenant, Range(256, 259))
    with pytest.raises(Unproven, match=what):
        await export_order(ledger_of_600.dsn, tenant, "300", tmp_path / "order.json", plain=True)
    with pytest.raises(OrdertrailError, match="is not what was signed"):
        await export_ledger(ledger_of_600.dsn, tenant, tmp_path / "ledger.ndjson", plain=True)

    assert await asyncio.to_thread(lambda: list(tmp_path.iterdir())) == []
    said = [record.getMessage() for record in caplog.records if record.levelno == logging.CRITICAL]
    assert said == [
        f"Tenant acme: the {what} {size} events that were signed; run ordertrail verify"
        for size in (300, 300, 300, 300)
    ]
    assert await proofs.of_event(tenant, position=256)


async def test_sizes_between_checkpoints_are_proven_to_lead_to_the_next(ledger_of_600: SealedLedger) -> None:
    for old, new in ((99, 101), (100, 101), (101, 300), (257, 257), (299, 600)):
        assert (await ledger_of_600.services.proofs.consistency(ledger_of_600.tenant, old, new)).new_size == new
    forge = "UPDATE ordertrail.tiles SET hashes = overlay(hashes PLACING %s FROM %s) WHERE level = 0 AND number = 1"
    await ledger_of_600.meddle(forge, bytes(HASH), HASH + 1)  # the leaf of event 258

    # The second follows from the first by what is kept; that it leads to what was signed does not.
    for old, new in ((257, 258), (258, 299), (299, 600), (258, 258)):
        with pytest.raises(Unproven, match="events continues that of"):
            await ledger_of_600.services.proofs.consistency(ledger_of_600.tenant, old, new)


async def test_an_event_that_is_gone_has_no_receipt(ledger_of_600: SealedLedger) -> None:
    await ledger_of_600.tamper("DELETE FROM ordertrail.events WHERE position IN (257, 258)")

    for positions in (Range(257, 258), Range(256, 259)):
        with pytest.raises(EventNotFound):
            await ledger_of_600.services.proofs.of_positions(ledger_of_600.tenant, positions)


@pytest.mark.parametrize("position", [0, -7])
async def test_an_event_where_none_can_be_is_not_proven(ledger_of_600: SealedLedger, position: int) -> None:
    add = """
        INSERT INTO ordertrail.events (tenant, position, stream, version, event_id, type, data, metadata, occurred_at,
                                       recorded_at)
        SELECT tenant, %s, 'order-x', 1, 'planted', type, data, metadata, occurred_at, recorded_at
        FROM ordertrail.events WHERE position = 1
    """
    await ledger_of_600.tamper(add, position)

    with pytest.raises(Unproven, match=f"There is an event at position {position}, where none can be"):
        await ledger_of_600.services.proofs.of_event(ledger_of_600.tenant, event_id="planted")


async def test_a_checkpoint_that_is_not_what_it_is_kept_as_is_not_handed_out(
    ledger_of_600: SealedLedger, dsn: str
) -> None:
    copy = "INSERT INTO ordertrail.tree_heads (tenant, size, note) SELECT tenant, %s, note FROM ordertrail.tree_heads"
    await ledger_of_600.meddle(f"{copy} WHERE size = 300", 299)
    proofs, tenant = ledger_of_600.services.proofs, ledger_of_600.tenant

    for asked in (
        proofs.checkpoint(tenant, 299),
        proofs.of_event(tenant, position=290),
        proofs.consistency(tenant, 1, 299),
    ):
        with pytest.raises(Unproven, match="The checkpoint of 299 events is that of 300 of"):
            await asked
    assert await proofs.checkpoint(tenant, 300)
    assert await proofs.checkpoint(tenant)


async def test_an_export_ends_at_no_checkpoint_that_we_did_not_sign(
    ledger_of_600: SealedLedger, tmp_path: Path
) -> None:
    await ledger_of_600.meddle("INSERT INTO ordertrail.tree_heads (tenant, size, note) VALUES ('acme', 601, '')")

    with pytest.raises(Unproven, match="The checkpoint of 601 events is not valid"):
        await export_ledger(ledger_of_600.dsn, ledger_of_600.tenant, tmp_path / "ledger.ndjson", plain=True)

    assert await asyncio.to_thread(lambda: list(tmp_path.iterdir())) == []
