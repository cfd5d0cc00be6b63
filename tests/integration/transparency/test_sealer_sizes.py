"""A tree with a wrong kept size is found, and not sealed over."""

import pytest

from tests.fix_sealed import SealedLedger
from tests.integration.transparency.stopped_sealing import NEW, SEALED, assert_mended, stopped


@pytest.mark.parametrize("noted", [0, 1, 299, 301, SEALED + NEW, SEALED + NEW + 1, 10**9])
async def test_a_tree_that_is_noted_to_have_another_size_is_found_whatever_the_size(
    ledger_of_300: SealedLedger, caplog: pytest.LogCaptureFixture, noted: int
) -> None:
    await ledger_of_300.tell(NEW)
    assert await ledger_of_300.meddle("UPDATE ordertrail.trees SET size = %s", noted) == 1
    error = f"the tree's kept size is {noted} leaves, but the newest signed checkpoint covers 300 events"
    assert (await ledger_of_300.services.health.sealing())[:2] == (NEW, 1)  # at once
    assert await ledger_of_300.whats() == [error]

    await ledger_of_300.seal()

    assert (await ledger_of_300.services.health.sealing())[:2] == (NEW, 1)
    assert await ledger_of_300.error() == error
    assert f"Sealing of tenant acme has stopped: {error}" in caplog.text
    await assert_mended(ledger_of_300)


async def test_a_tree_that_is_noted_to_have_what_the_ledger_has_is_found_though_nothing_is_written(
    ledger_of_300: SealedLedger,
) -> None:
    await ledger_of_300.meddle("UPDATE ordertrail.trees SET size = 200")
    await ledger_of_300.tamper("DELETE FROM ordertrail.tree_heads WHERE size > 200")
    assert (await ledger_of_300.services.health.sealing()).unsealed == 100

    await ledger_of_300.seal()

    assert await ledger_of_300.error() == "tile 0 of level 0 has 256 hashes, but should have 200"


async def test_a_tree_that_nobody_notes_any_more_is_not_begun_anew(
    ledger_of_300: SealedLedger, caplog: pytest.LogCaptureFixture
) -> None:
    await ledger_of_300.tamper("DELETE FROM ordertrail.trees")
    assert (await ledger_of_300.services.health.sealing()).stopped == 1

    error = await stopped(ledger_of_300, caplog)

    assert error == "the tree's kept size is 0 leaves, but the newest signed checkpoint covers 300 events"
    await assert_mended(ledger_of_300)
