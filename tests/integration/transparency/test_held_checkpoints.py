"""Whoever holds a checkpoint finds that a ledger is another, though the database by itself is in the best of order."""

from collections.abc import Sequence
from typing import LiteralString

import psycopg
import pytest

from api.bootstrap import open_sealer, open_services
from api.services import Services
from application.access.callers import Tenant
from application.ledger.codec import encode
from application.ledger.port import ANY, Append, Write
from application.transparency.audit import walk
from application.transparency.audit.verification import Damage, Verified
from application.transparency.checkpoint import Checkpoint
from application.transparency.keys import new_signing_key
from application.transparency.note import CannotCheck, Signer, Verifier
from application.transparency.tree import EMPTY_ROOT
from tests.builders import an_event
from tests.damage import LEAF_HASH, LEAF_PARAMETERS

SIZE, BATCH = 300, 100

SEALED_ANEW: LiteralString = """
    DELETE FROM ordertrail.tree_heads; DELETE FROM ordertrail.tiles; DELETE FROM ordertrail.trees;
"""
UPTO_200: LiteralString = """
    DELETE FROM ordertrail.events WHERE position > 200;
    UPDATE ordertrail.ledgers SET position = 200;
    DELETE FROM ordertrail.tree_heads WHERE size > 200;
    UPDATE ordertrail.trees SET size = 200;
    DELETE FROM ordertrail.tiles WHERE (level, number) <> (0, 0);
    UPDATE ordertrail.tiles SET hashes = substr(hashes, 1, 200 * 32);
"""


class Ledger:
    """A sealed ledger of 300 events of ten orders, and what can be done to it."""

    def __init__(self, services: Services, tenant: Tenant, dsn: str) -> None:
        self.services, self.tenant, self.dsn = services, tenant.name, dsn

    async def tell(self, order_id: str, count: int) -> None:
        events = tuple(encode(an_event(status=f"s{n}")) for n in range(count))
        await self.services.store.append(Append(self.tenant, (Write(f"order-{order_id}", ANY, events),)))

    async def seal(self) -> None:
        async with open_sealer(self.dsn, batch=BATCH) as sealer:
            await sealer.seal_all()

    async def tamper(self, sql: LiteralString) -> None:
        """Do what only a superuser can."""
        async with await psycopg.AsyncConnection.connect(self.dsn, autocommit=True) as connection:
            await connection.execute(sql)

    async def note(self, size: int) -> str:
        return await self.services.proofs.checkpoint(self.tenant, size)

    async def add_signing_key(self) -> None:
        async with open_services(self.dsn, as_owner=True) as owner:
            await owner.signing_keys.add_signing_key(new_signing_key())

    async def keys(self) -> Sequence[Verifier]:
        return await self.services.proofs.verifiers(self.tenant)

    async def verified(self, *held: str, trusted: Sequence[Verifier] = ()) -> Verified:
        return await self.services.verification.verify(self.tenant, lambda *_: None, trusted=trusted, held=held)

    async def damage(self, *held: str, trusted: Sequence[Verifier] = ()) -> Damage | None:
        return (await self.verified(*held, trusted=trusted)).damage


@pytest.fixture
async def ledger(services: Services, tenant: Tenant, dsn: str) -> Ledger:
    ledger = Ledger(services, tenant, dsn)
    for n in range(10):
        await ledger.tell(str(n), SIZE // 10)
    await ledger.seal()
    return ledger


@pytest.mark.parametrize("page", [256, walk.PAGE])
async def test_a_ledger_that_grew_continues_every_checkpoint_that_was_put_away(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr(walk, "PAGE", page)
    held = [await ledger.note(size) for size in (300, 100, 200, 100)]
    await ledger.tell("new", 250)
    await ledger.seal()

    verified = await ledger.verified(*held, trusted=await ledger.keys())

    assert verified == (550, 550, 6, None)


async def test_a_checkpoint_that_is_not_kept_any_more_is_continued_all_the_same(ledger: Ledger) -> None:
    held = await ledger.note(200)
    await ledger.tamper("DELETE FROM ordertrail.tree_heads WHERE size = 200")

    assert await ledger.verified(held) == (300, 300, 2, None)


async def test_a_tail_that_was_cut_off_with_its_seals_is_missed(ledger: Ledger) -> None:
    held = [await ledger.note(size) for size in (100, 300)]
    await ledger.tamper(UPTO_200)
    assert await ledger.damage() is None

    assert await ledger.damage(held[0]) is None
    assert await ledger.damage(*held) == Damage(
        201, "the ledger ends at 200, the checkpoint that you hold covers 300 events"
    )


async def test_a_tail_that_was_replaced_is_found(ledger: Ledger) -> None:
    held = [await ledger.note(size) for size in (200, 300)]
    await ledger.tamper(UPTO_200)
    await ledger.tell("other", 150)
    await ledger.seal()
    assert await ledger.damage(held[0]) is None

    assert await ledger.damage(*held) == Damage(300, "events 1 to 300 are not those of the checkpoint that you hold")


async def test_history_that_was_rewritten_and_signed_anew_is_found(ledger: Ledger) -> None:
    held = [await ledger.note(size) for size in (200, 100)]
    await ledger.tamper(f"UPDATE ordertrail.events SET data = data || ' ' WHERE position = 42; {SEALED_ANEW}")
    await ledger.seal()
    assert await ledger.verified() == (300, 300, 3, None)

    assert await ledger.damage(*held) == Damage(100, "events 1 to 100 are not those of the checkpoint that you hold")


async def test_history_that_was_rewritten_and_signed_with_another_key_is_found_by_the_key_alone(ledger: Ledger) -> None:
    keys = await ledger.keys()
    await ledger.tamper(
        f"UPDATE ordertrail.events SET data = data || ' ' WHERE position = 42; {SEALED_ANEW}"
        "UPDATE ordertrail.signing_keys SET private_key = NULL, retired_at = now()"
    )
    await ledger.add_signing_key()
    await ledger.seal()
    assert await ledger.damage() is None

    with pytest.raises(CannotCheck) as refused:
        await ledger.damage(trusted=keys)

    told = "the newest checkpoint is signed with other keys: None of these keys has signed it"
    assert str(refused.value) == f"{told}: {keys[0]}"


@pytest.mark.parametrize("size", [0, 1_000])
async def test_a_checkpoint_that_is_kept_for_a_size_that_is_not_its_own_vouches_for_nothing(
    ledger: Ledger, size: int
) -> None:
    keys, genuine = await ledger.keys(), await ledger.note(100)
    await ledger.tamper(
        f"UPDATE ordertrail.events SET data = data || ' ' WHERE position = 142; {SEALED_ANEW}"
        "UPDATE ordertrail.signing_keys SET private_key = NULL, retired_at = now()"
    )
    await ledger.add_signing_key()
    await ledger.seal()
    async with await psycopg.AsyncConnection.connect(ledger.dsn, autocommit=True) as connection:
        if size == 0:
            await connection.execute("DELETE FROM ordertrail.tree_heads")
        moved = "INSERT INTO ordertrail.tree_heads (tenant, size, note) VALUES (%s, %s, %s)"
        await connection.execute(moved, [ledger.tenant, size, genuine])

    if size:
        damage = await ledger.damage(trusted=keys)
        assert damage == Damage(None, f"the checkpoint of 1000 events is that of 100 of {keys[0].name}")
    else:
        with pytest.raises(CannotCheck, match="there is no checkpoint, so the key that you gave has signed none"):
            await ledger.damage(trusted=keys)


async def test_a_ledger_without_checkpoints_is_none_that_a_known_key_has_signed(ledger: Ledger) -> None:
    keys = await ledger.keys()
    await ledger.tamper(SEALED_ANEW)
    assert await ledger.damage() is None

    with pytest.raises(CannotCheck, match="there is no checkpoint, so the key that you gave has signed none"):
        await ledger.damage(trusted=keys)


async def test_a_checkpoint_whose_key_was_taken_out_of_the_database_is_checked_with_the_key_that_is_given(
    ledger: Ledger,
) -> None:
    keys, held = await ledger.keys(), await ledger.note(300)
    await ledger.add_signing_key()
    await ledger.tamper(
        f"{UPTO_200} {SEALED_ANEW} DELETE FROM ordertrail.signing_keys WHERE created_at = ("
        " SELECT min(created_at) FROM ordertrail.signing_keys)"
    )
    await ledger.seal()
    assert await ledger.damage() is None

    assert await ledger.damage(held, trusted=keys) == Damage(
        201, "the ledger ends at 200, the checkpoint that you hold covers 300 events"
    )
    with pytest.raises(CannotCheck, match="the checkpoint that you hold is not this ledger's: None of these keys"):
        await ledger.damage(held)


@pytest.mark.one_server("a cluster cannot make a table and replace a function in one transaction")
async def test_a_database_that_was_taught_to_hash_what_was_there_before_is_not_believed(ledger: Ledger) -> None:
    held = await ledger.note(300)
    await ledger.tamper(
        f"CREATE TABLE ordertrail.before AS SELECT position, {LEAF_HASH} FROM ordertrail.events;"
        "GRANT SELECT ON ordertrail.before TO ordertrail_runtime;"
        "UPDATE ordertrail.events SET data = data || ' ' WHERE position = 42;"
        f"CREATE OR REPLACE FUNCTION ordertrail.leaf_hash({LEAF_PARAMETERS}) RETURNS bytea LANGUAGE sql STABLE"
        " RETURN (SELECT b.leaf_hash FROM ordertrail.before AS b WHERE b.position = in_position)"
    )
    assert await ledger.damage() is None

    changed = Damage(42, "the event differs from the one that was sealed here")
    assert await ledger.damage(held) == changed
    assert await ledger.damage(trusted=await ledger.keys()) == changed


@pytest.mark.parametrize("change", ["DELETE FROM ordertrail.events", "UPDATE ordertrail.events SET position = -1"])
async def test_gaps_are_found_in_events_that_are_hashed_here(ledger: Ledger, change: LiteralString) -> None:
    held = await ledger.note(300)
    await ledger.tamper(f"{change} WHERE position = 42")

    damage = await ledger.damage()

    assert damage is not None
    assert await ledger.damage(held) == damage


async def test_what_cannot_be_read_is_damaged(ledger: Ledger) -> None:
    held = await ledger.note(300)
    await ledger.tamper("UPDATE ordertrail.events SET occurred_at = 'infinity' WHERE position IN (271, 272)")

    assert await ledger.damage(held) == Damage(271, "the event cannot be read: timestamp too large (after year 10K)")


@pytest.mark.parametrize("page", [256, walk.PAGE])
async def test_a_root_that_this_ledger_never_had_is_refused_at_every_size(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr(walk, "PAGE", page)
    [origin_key] = await ledger.keys()
    [key] = await ledger.services.signing_keys.signing_keys()
    signer = Signer(origin_key.name, key.private_key or b"")

    for size in (0, 1, 99, 100, 101, 255, 256, 257, 300):
        held = Checkpoint(signer.name, size, bytes(32)).signed([signer])
        what = f"events 1 to {size} are not those of the checkpoint that you hold"
        assert await ledger.damage(held) == Damage(size, what)
    assert await ledger.damage(Checkpoint(signer.name, 0, EMPTY_ROOT).signed([signer])) is None


async def test_a_checkpoint_of_another_ledger_is_refused(ledger: Ledger) -> None:
    [ours] = await ledger.keys()
    [key] = await ledger.services.signing_keys.signing_keys()
    theirs = Checkpoint("ordertrail/00/acme", 100, bytes(32))
    renamed = theirs.signed([Signer(ours.name, key.private_key or b"")])

    whats = []
    for held in (theirs.signed([Signer(theirs.origin, bytes(32))]), renamed, ""):
        with pytest.raises(CannotCheck, match="the checkpoint that you hold is not this ledger's") as refused:
            await ledger.damage(held)
        whats.append(str(refused.value).partition(": ")[2])

    assert whats[0].startswith("None of these keys has signed it")
    assert whats[1:] == [
        "it belongs to ordertrail/00/acme, and none of these keys signs for that ledger",
        "A signed note is a text, an empty line, and lines with signatures",
    ]
