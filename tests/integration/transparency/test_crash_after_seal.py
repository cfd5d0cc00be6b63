"""A crash may take back the newest checkpoints. They are continued: nothing that was signed is contradicted."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from api.bootstrap import open_sealer, open_services
from api.cli.maintenance import create_tenant
from application.transparency.checkpoint import Checkpoint
from domain.values import TenantName
from infrastructure.embedded.server import embedded_server
from infrastructure.setup.installation import set_up_installation
from infrastructure.setup.migrations import migrate
from infrastructure.setup.owner_session import owner_session
from tests.fix_embedded import run
from tests.fix_sealed import SealedLedger
from tests.integration.ledger.test_crash import kill_server

SHOPS = ("shop-1", "shop-2", "shop-3")


@pytest.fixture
def dsn(data_dir: Path) -> Iterator[str]:
    """A server of the test's own, which writes its log to the disk when somebody waits for it, and else hardly ever."""
    with embedded_server(data_dir) as opened:
        migrate(opened)
        with owner_session(opened) as session:
            set_up_installation(session, None)
        for setting in ("wal_writer_delay = '10s'", "wal_writer_flush_after = '1GB'"):
            run(opened, f"ALTER SYSTEM SET {setting}")
        run(opened, "SELECT pg_reload_conf()")
        yield opened


@asynccontextmanager
async def shops(dsn: str) -> AsyncIterator[list[SealedLedger]]:
    async with open_services(dsn) as services:
        yield [SealedLedger(services, TenantName(shop), dsn) for shop in SHOPS]


async def test_checkpoints_that_a_crash_takes_back_are_continued_by_the_next_ones(dsn: str, data_dir: Path) -> None:
    for shop in SHOPS:
        await create_tenant(dsn, shop, is_implicit=True, dintero_account=None)
    async with shops(dsn) as ledgers, open_sealer(dsn) as sealer:
        # The first commit that nobody waits for wakes whoever writes the log, if it sleeps.
        for count in (1, 2):
            for ledger in ledgers:
                await ledger.tell(count)
            await sealer.seal_all()
        handed_out = [await ledger.services.proofs.checkpoint(ledger.tenant) for ledger in ledgers]
        kill_server(data_dir)

    with embedded_server(data_dir):
        async with shops(dsn) as ledgers:
            kept = [await ledger.sizes() for ledger in ledgers]
            assert all(3 not in sizes for sizes in kept), "the crash took nothing, so it shows nothing"
            for ledger in ledgers:
                await ledger.tell(2)
            await ledgers[0].seal()
            for ledger, note in zip(ledgers, handed_out, strict=True):
                held = Checkpoint.verified(note, await ledger.services.proofs.verifiers(ledger.tenant))
                assert (await ledger.sizes())[-1] == 5
                await ledger.services.proofs.consistency(ledger.tenant, 3, 5)
                verified = await ledger.services.verification.verify(ledger.tenant, lambda *_: None, held=[note])
                assert (held.size, verified.events, verified.damage) == (3, 5, None)
