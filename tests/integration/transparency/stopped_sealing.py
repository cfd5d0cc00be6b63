"""Sealing that stops, and is mended."""

import logging

import pytest

from tests.fix_sealed import SealedLedger

NEW, SEALED = 7, 300


async def stopped(ledger: SealedLedger, caplog: pytest.LogCaptureFixture) -> str:
    """Append to a ledger and see that it is not sealed, and that this is said; return why."""
    sizes = await ledger.sizes()
    await ledger.tell(NEW)

    for _ in range(2):
        await ledger.seal()

    error = await ledger.error()
    assert error is not None
    assert await ledger.sizes() == sizes
    assert (await ledger.services.health.sealing()).stopped == 1
    [said] = [record.getMessage() for record in caplog.records if record.levelno == logging.CRITICAL]
    assert said == f"Sealing of tenant acme has stopped: {error}; run ordertrail verify, then ordertrail repair tiles"
    assert await ledger.damages()
    return error


async def assert_mended(ledger: SealedLedger) -> None:
    """Assert that repair mends a ledger, which is sealed on by itself then."""
    await ledger.repair()

    assert await ledger.error() is None
    await ledger.seal()
    assert (await ledger.services.health.sealing())[:2] == (0, 0)
    assert await ledger.damages() == []
    assert (await ledger.sizes())[-1] == SEALED + NEW
