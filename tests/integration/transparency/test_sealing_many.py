"""Many ledgers are sealed together, and what is wrong with one neither stops nor delays the others."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import LiteralString

import psycopg
import pytest

from api.bootstrap import open_sealer
from api.services import Services
from application.access.callers import Tenant
from domain.values import TenantName
from infrastructure.postgres.patience import SEALING
from tests.fix_sealed import SealedLedger

FOR_EVER = SEALING._replace(lock=3_600.0)
NAMES = [f"shop-{n}" for n in range(12)]
HEAD: LiteralString = "INSERT INTO ordertrail.tree_heads (tenant, size, note) VALUES ('shop-3', 2, '')"
HELD: LiteralString = "SELECT FROM ordertrail.trees WHERE tenant = 'shop-3' FOR UPDATE"


@pytest.fixture
async def ledgers(services: Services, tenant: Tenant, dsn: str) -> list[SealedLedger]:
    """Ledgers of several tenants, each with one event that is sealed, and one that is not."""
    acme = SealedLedger(services, tenant.name, dsn)
    found = []
    for name in NAMES:
        await acme.create_tenant(name, is_implicit=True, dintero_account=None)
        found.append(SealedLedger(services, TenantName(name), dsn))
        await found[-1].tell(1)
    await acme.seal()
    for ledger in found:
        await ledger.tell(1)
    return found


@asynccontextmanager
async def doing(dsn: str, sql: LiteralString) -> AsyncIterator[None]:
    """Have somebody do this, and neither commit it nor take it back."""
    async with await psycopg.AsyncConnection.connect(dsn) as somebody:
        await somebody.execute(sql)
        yield
        await somebody.rollback()


async def sizes(ledgers: list[SealedLedger]) -> dict[str, list[int]]:
    return {ledger.tenant: await ledger.sizes() for ledger in ledgers}


def sealed_but(left: str | None = None) -> dict[str, list[int]]:
    return {name: [1] if name == left else [1, 2] for name in NAMES}


async def test_all_ledgers_are_sealed_and_proven(ledgers: list[SealedLedger]) -> None:
    await ledgers[0].seal()

    assert await sizes(ledgers) == sealed_but(None)
    assert [await ledger.damages() for ledger in ledgers] == [[]] * len(NAMES)


async def test_a_tree_that_somebody_holds_is_left_and_nobody_waits_for_it(ledgers: list[SealedLedger]) -> None:
    async with doing(ledgers[0].dsn, HELD), open_sealer(ledgers[0].dsn, patience=FOR_EVER) as sealer:
        async with asyncio.timeout(30):
            await sealer.seal_all()

        assert await sizes(ledgers) == sealed_but("shop-3")

    await ledgers[0].seal()
    assert await sizes(ledgers) == sealed_but(None)


async def test_a_checkpoint_that_somebody_is_about_to_store_holds_up_its_own_ledger_only(
    ledgers: list[SealedLedger], caplog: pytest.LogCaptureFixture
) -> None:
    async with doing(ledgers[0].dsn, HEAD), open_sealer(ledgers[0].dsn) as sealer:
        await sealer.seal_all()
        await ledgers[5].tell(1)
        await sealer.seal_all()

        assert await sizes(ledgers) == {**sealed_but("shop-3"), "shop-5": [1, 2, 3]}
        [said] = {record.getMessage() for record in caplog.records if "shop-3" in record.getMessage()}
        assert said.startswith("Tenant shop-3 cannot be sealed; it is tried again in 30 s: ")

    await ledgers[0].seal()
    assert (await sizes(ledgers))["shop-3"] == [1, 2]


async def test_of_a_damaged_tree_among_many_nothing_is_signed(ledgers: list[SealedLedger]) -> None:
    await ledgers[3].meddle("UPDATE ordertrail.tiles SET hashes = sha256('') WHERE tenant = 'shop-3'")

    await ledgers[0].seal()

    assert await sizes(ledgers) == sealed_but("shop-3")
    assert await ledgers[3].error() == "the kept hashes do not have the root that was signed for 1 events"
    assert {await ledger.error() for ledger in ledgers if ledger is not ledgers[3]} == {None}
    await ledgers[3].repair()
    await ledgers[0].seal()
    assert await sizes(ledgers) == sealed_but(None)


async def test_an_event_that_is_missing_stops_its_own_ledger_only(ledgers: list[SealedLedger]) -> None:
    await ledgers[3].tamper("DELETE FROM ordertrail.events WHERE tenant = 'shop-3' AND position = 2")

    await ledgers[0].seal()

    assert await sizes(ledgers) == sealed_but("shop-3")
    assert await ledgers[3].error() == "after the 1 sealed events, the events up to 2 are missing or out of order"


async def test_sealers_that_seal_the_same_ledgers_at_once_seal_each_event_once(
    services: Services, ledgers: list[SealedLedger], caplog: pytest.LogCaptureFixture
) -> None:
    async with open_sealer(ledgers[0].dsn) as one, open_sealer(ledgers[0].dsn) as other:
        for _ in range(6):
            await asyncio.gather(one.seal_all(), other.seal_all(), *(ledger.tell(1) for ledger in ledgers))
        await one.seal_all()

    assert {sizes_of[-1] for sizes_of in (await sizes(ledgers)).values()} == {8}
    assert [await ledger.damages() for ledger in ledgers] == [[]] * len(NAMES)
    assert (await services.health.sealing())[:2] == (0, 0)
    assert not caplog.records
