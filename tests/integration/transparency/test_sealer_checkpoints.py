"""Sealing continues only a checkpoint that this installation signed for this size."""

from typing import LiteralString

import pytest

from application.transparency.audit.repair import CannotRepair
from application.transparency.checkpoint import Checkpoint
from application.transparency.keys import identity
from application.transparency.note import Signer
from domain.errors import Unproven
from tests.fix_sealed import SealedLedger
from tests.integration.transparency.stopped_sealing import NEW, SEALED, assert_mended, stopped


@pytest.mark.parametrize("deleted", ["size = 300", "true"])
async def test_a_checkpoint_that_was_taken_away_is_missed(
    ledger_of_300: SealedLedger, caplog: pytest.LogCaptureFixture, deleted: LiteralString
) -> None:
    await ledger_of_300.tamper(f"DELETE FROM ordertrail.tree_heads WHERE {deleted}")
    newest = max(await ledger_of_300.sizes(), default=0)
    rest = f"the newest one covers {newest}" if newest else "there is none"
    assert await ledger_of_300.whats() == [f"a checkpoint is missing: 300 events were sealed, {rest}"]

    error = await stopped(ledger_of_300, caplog)

    assert error == f"the tree's kept size is 300 leaves, but the newest signed checkpoint covers {newest} events"
    await assert_mended(ledger_of_300)


async def signed_by_another(ledger: SealedLedger, size: int) -> str:
    """Return a checkpoint that somebody without the ledger's key signed in its name."""
    known = await identity(ledger.services.signing_keys, ledger.tenant)
    return Checkpoint(known.origin, size, bytes(32)).signed([Signer(known.origin, bytes(32))])


@pytest.mark.parametrize("size", [301, SEALED + NEW, 10**6])
async def test_a_checkpoint_that_we_did_not_sign_is_not_continued(
    ledger_of_300: SealedLedger, caplog: pytest.LogCaptureFixture, size: int
) -> None:
    insert = "INSERT INTO ordertrail.tree_heads (tenant, size, note) VALUES ('acme', %s, %s)"
    await ledger_of_300.meddle(insert, size, await signed_by_another(ledger_of_300, size))

    error = await stopped(ledger_of_300, caplog)

    assert error.startswith(f"the checkpoint of {size} events is not valid: None of these keys has signed it: ")
    assert error in await ledger_of_300.whats()
    with pytest.raises(Unproven, match=f"The checkpoint of {size} events is not valid"):
        await ledger_of_300.services.proofs.checkpoint(ledger_of_300.tenant)
    with pytest.raises(CannotRepair, match=f"the checkpoint of {size} events is not valid"):
        await ledger_of_300.repair()
    await ledger_of_300.tamper("DELETE FROM ordertrail.tree_heads WHERE size = %s", size)
    await assert_mended(ledger_of_300)


async def test_a_checkpoint_that_is_kept_for_another_size_is_not_continued(
    ledger_of_300: SealedLedger, caplog: pytest.LogCaptureFixture
) -> None:
    copy = "INSERT INTO ordertrail.tree_heads (tenant, size, note) SELECT tenant, 301, note FROM ordertrail.tree_heads"
    await ledger_of_300.meddle(f"{copy} WHERE size = 300")

    assert (await stopped(ledger_of_300, caplog)).startswith("the checkpoint of 301 events is that of 300 of ")


async def test_what_another_installation_signed_is_not_continued(
    ledger_of_300: SealedLedger, caplog: pytest.LogCaptureFixture
) -> None:
    await ledger_of_300.tamper(
        "UPDATE ordertrail.installation SET value = decode(repeat('01', 32), 'hex') WHERE name = 'origin'"
    )

    await ledger_of_300.tell(1)

    # By another process: one that runs knows what its installation is called.
    await ledger_of_300.seal()

    known = await ledger_of_300.error() or ""
    assert known.startswith("the checkpoint of 300 events is not valid: None of these keys has signed it")
    assert "Sealing of tenant acme has stopped" in caplog.text
