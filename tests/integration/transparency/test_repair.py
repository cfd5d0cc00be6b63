"""Repair derives tiles and tree again from the events that were signed, or says why it cannot and changes nothing."""

import asyncio
from typing import Any, LiteralString

import psycopg
import pytest

from api.bootstrap import open_repair, open_sealer
from api.services import Services
from application.access.callers import Tenant
from application.transparency.audit import repair
from application.transparency.audit.repair import CannotRepair, Repaired
from domain.errors import TenantNotFound
from domain.values import TenantName
from tests.cluster import ACTIVITY
from tests.fix_sealed import SealedLedger

SCRAMBLED: LiteralString = """
    UPDATE ordertrail.tiles SET hashes = reverse(encode(hashes, 'hex'))::bytea WHERE level = 0;
    DELETE FROM ordertrail.tiles WHERE number = 1 OR level = 1;
    INSERT INTO ordertrail.tiles VALUES
        ('acme', 0, 77, ''), ('acme', 3, 0, '\\x00'), ('acme', 8, 0, ''), ('acme', -1, 0, ''), ('acme', 0, -1, '');
    UPDATE ordertrail.trees SET size = 12, error = 'a reason';
"""


async def kept(ledger: SealedLedger) -> list[Any]:
    """Return all that is kept of trees."""
    return [
        await ledger.rows("SELECT tenant, level, number, hashes FROM ordertrail.tiles ORDER BY tenant, level, number"),
        await ledger.rows("SELECT tenant, size, error FROM ordertrail.trees ORDER BY tenant"),
        await ledger.rows("SELECT tenant, size, note FROM ordertrail.tree_heads ORDER BY tenant, size"),
    ]


@pytest.mark.parametrize("page", [256, repair.PAGE])
@pytest.mark.parametrize("events", [1, 256, 300, 600])
async def test_a_tree_is_repaired_to_what_it_was(
    services: Services, tenant: Tenant, dsn: str, monkeypatch: pytest.MonkeyPatch, page: int, events: int
) -> None:
    monkeypatch.setattr(repair, "PAGE", page)
    ledger = SealedLedger(services, tenant.name, dsn)
    await ledger.tell(events)
    await ledger.seal(batch=90)
    await ledger.tell(3)
    before, shown = await kept(ledger), []
    await ledger.tamper(SCRAMBLED)

    async with open_repair(dsn) as work:
        repaired = await work.repair(tenant.name, lambda *at: shown.append(at))

    assert await kept(ledger) == before
    assert repaired._replace(replaced=0) == Repaired(
        events=events + 3,
        sealed=events,
        checkpoints=-(-events // 90),
        noted_size=12,
        error="a reason",
        replaced=0,
        removed=5,
    )
    assert repaired.replaced == len(before[0])
    assert shown == [(min(n, events), events) for n in range(page, events + page, page)]


async def test_of_a_tree_that_is_right_nothing_is_written(ledger_of_300: SealedLedger) -> None:
    written: LiteralString = "SELECT level, number, xmin::text FROM ordertrail.tiles ORDER BY level, number"
    before = await ledger_of_300.rows(written)
    await ledger_of_300.tamper("UPDATE ordertrail.trees SET error = 'mended by hand'")

    repaired = await ledger_of_300.repair()

    assert (repaired.replaced, repaired.removed, repaired.error) == (0, 0, "mended by hand")
    assert await ledger_of_300.rows(written) == before
    assert await ledger_of_300.error() is None


async def test_the_tree_of_a_ledger_that_was_never_sealed_is_emptied(
    services: Services, tenant: Tenant, dsn: str
) -> None:
    ledger = SealedLedger(services, tenant.name, dsn)
    await ledger.tell(5)
    await ledger.tamper("INSERT INTO ordertrail.tiles VALUES ('acme', 0, 0, '\\x00')")

    assert (await ledger.repair())[:3] == (5, 0, 0)

    await ledger.seal()
    assert await ledger.sizes() == [5]
    assert await ledger.damages() == []


SCRAMBLE_BETWEEN_SEALS = """
    WITH held AS MATERIALIZED (SELECT tenant FROM ordertrail.trees WHERE tenant = 'acme' FOR UPDATE)
    UPDATE ordertrail.tiles AS t SET hashes = set_byte(t.hashes, 0, get_byte(t.hashes, 0) # 1)
    FROM held WHERE t.tenant = held.tenant AND t.tenant = 'acme'
"""
"""Waits for a sealer, rather than meet it halfway: each would wait for rows that the other has."""
CHANGED = "events 1 to 200 do not have the root that was signed; run ordertrail verify --tenant acme"


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("UPDATE ordertrail.events SET data = data || ' ' WHERE position = 142", CHANGED),
        ("UPDATE ordertrail.events SET version = version + 100 WHERE position = 101", CHANGED),
        ("DELETE FROM ordertrail.events WHERE position = 42", "the event at position 42 is missing"),
        ("DELETE FROM ordertrail.events WHERE position IN (42, 99)", "the event at position 42 is missing"),
        ("DELETE FROM ordertrail.events WHERE position >= 290", "the event at position 290 is missing"),
        ("TRUNCATE ordertrail.events", "the event at position 1 is missing"),
        (
            "UPDATE ordertrail.ledgers SET position = 299",
            "the ledger ends at 299, its newest checkpoint covers 300 events",
        ),
        (
            "DELETE FROM ordertrail.events WHERE position > 250; UPDATE ordertrail.ledgers SET position = 250",
            "the ledger ends at 250, its newest checkpoint covers 300 events",
        ),
        (
            "UPDATE ordertrail.tree_heads SET note = replace(note, '200', '100') WHERE size = 200",
            "the checkpoint of 200 events is not valid: The signature of ",
        ),
        (
            "UPDATE ordertrail.tree_heads SET size = 150 WHERE size = 200",
            "the checkpoint of 150 events is that of 200 of ",
        ),
        ("UPDATE ordertrail.tree_heads SET note = '' WHERE size = 300", "the checkpoint of 300 events is not valid: "),
    ],
)
async def test_what_is_not_what_was_signed_is_not_repaired(
    ledger_of_300: SealedLedger, sql: LiteralString, why: str
) -> None:
    await ledger_of_300.tamper(sql)
    await ledger_of_300.tamper(SCRAMBLED)
    before = await kept(ledger_of_300)

    with pytest.raises(CannotRepair) as refused:
        await ledger_of_300.repair()

    assert refused.value.what.startswith(why)
    assert str(refused.value).startswith(f"The tiles of acme cannot be repaired, and were left as they are: {why}")
    assert await kept(ledger_of_300) == before


async def test_there_is_nothing_to_repair_of_a_tenant_that_does_not_exist(ledger_of_300: SealedLedger) -> None:
    before = await kept(ledger_of_300)

    async with open_repair(ledger_of_300.dsn) as work:
        with pytest.raises(TenantNotFound):
            await work.repair(TenantName("nobody"), lambda *_: None)

    assert await kept(ledger_of_300) == before


async def test_other_ledgers_are_left_alone(ledger_of_300: SealedLedger) -> None:
    await ledger_of_300.create_tenant("globex", is_implicit=True, dintero_account=None)
    globex = SealedLedger(ledger_of_300.services, TenantName("globex"), ledger_of_300.dsn)
    await globex.tell(300)
    await globex.seal()
    before = await kept(ledger_of_300)
    await ledger_of_300.tamper(SCRAMBLED)
    damaged = await kept(ledger_of_300)

    await ledger_of_300.repair()

    for right, wrong, now in zip(before, damaged, await kept(ledger_of_300), strict=True):
        assert [row for row in now if row[0] == "globex"] == [row for row in wrong if row[0] == "globex"]
        assert [row for row in now if row[0] == "acme"] == [row for row in right if row[0] == "acme"]


async def test_a_tree_is_repaired_while_events_are_appended_and_sealed(
    ledger_of_300: SealedLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repair, "PAGE", 256)
    ledger, is_done = ledger_of_300, asyncio.Event()

    async def append() -> None:
        while not is_done.is_set():
            await ledger.tell(2, order_id="meanwhile")

    async def seal() -> None:
        async with open_sealer(ledger.dsn, batch=50) as sealer:
            while not is_done.is_set():
                await sealer.seal_all()
            await sealer.seal_all()

    running = asyncio.gather(append(), seal(), seal())
    for _ in range(5):
        await ledger.tamper(SCRAMBLE_BETWEEN_SEALS)
        sizes = await ledger.sizes()
        await ledger.repair()
        while await ledger.sizes() == sizes:  # noqa: ASYNC110 sealers go on by themselves
            await asyncio.sleep(0.01)
    is_done.set()
    await running
    await ledger.seal()

    assert await ledger.damages() == []
    assert await ledger.error() is None


async def test_repair_waits_for_whoever_seals_the_ledger(ledger_of_300: SealedLedger) -> None:
    await ledger_of_300.tamper(SCRAMBLED)
    async with await psycopg.AsyncConnection.connect(ledger_of_300.dsn) as somebody:
        await somebody.execute("SELECT FROM ordertrail.trees WHERE tenant = 'acme' FOR UPDATE")
        repairs = [asyncio.create_task(ledger_of_300.repair()) for _ in range(2)]
        while len(await ledger_of_300.rows(WAITING)) < 2:  # noqa: ASYNC110 other sessions wait
            await asyncio.sleep(0.01)
        await somebody.rollback()

    assert sorted(repaired.replaced for repaired in await asyncio.gather(*repairs)) == [0, 3]
    assert await ledger_of_300.damages() == []


WAITING: LiteralString = (
    f"SELECT pid FROM {ACTIVITY} WHERE datname = current_database() AND wait_event_type = 'Lock'"
    " AND query LIKE '%FROM ordertrail.trees%FOR UPDATE%'"
)
