"""Whatever a superuser does to a ledger in the database itself is found, and named with its position."""

import pytest

from api.bootstrap import open_sealer
from api.services import Services
from application.access.callers import Tenant
from application.ledger.codec import encode
from application.ledger.port import ANY, Append, Write
from application.transparency.audit import walk
from application.transparency.audit.verification import Damage
from tests.builders import an_event
from tests.damage import LEAF_HASH
from tests.integration.transparency.fix_tampered import CHANGED, SIZE, Tamper


async def test_a_ledger_that_nobody_touched_is_whole(services: Services, tenant: Tenant, tamper: Tamper) -> None:
    assert await tamper("SELECT 1") is None

    verified = await services.verification.verify(tenant.name, lambda *_: None)
    assert (verified.events, verified.sealed, verified.checkpoints) == (SIZE, SIZE, 3)


ADDS_TO_A_TIME = pytest.mark.one_server("a cluster cannot add to a time in an UPDATE")


@pytest.mark.parametrize("events", [1, 255, 256, 257, 512, 513])
async def test_a_ledger_of_any_size_is_whole(
    services: Services, tenant: Tenant, dsn: str, monkeypatch: pytest.MonkeyPatch, events: int
) -> None:
    monkeypatch.setattr(walk, "PAGE", 256)
    told = tuple(encode(an_event(status=str(n))) for n in range(events))
    await services.store.append(Append(tenant.name, (Write("order-1", ANY, told),)))
    async with open_sealer(dsn, batch=200) as sealer:
        await sealer.seal_all()

    verified = await services.verification.verify(tenant.name, lambda *_: None)

    assert verified == (events, events, -(-events // 200), None)


@pytest.mark.parametrize(
    "change",
    [
        "data = data || ' '",
        "metadata = '{}'",
        "type = 'order.comment_added'",
        "event_id = 'another'",
        pytest.param("occurred_at = occurred_at + interval '1 microsecond'", marks=ADDS_TO_A_TIME),
        pytest.param("recorded_at = recorded_at + interval '1 microsecond'", marks=ADDS_TO_A_TIME),
        "stream = 'order-x'",
        "version = 1000",
    ],
)
async def test_a_changed_event_is_found(tamper: Tamper, change: str) -> None:
    damage = await tamper(f"UPDATE ordertrail.events SET {change} WHERE position = 257")

    assert damage == Damage(257, CHANGED)


@pytest.mark.parametrize("time", ["infinity", "-infinity", "0044-03-15 BC", "20000-01-01"])
async def test_a_time_that_no_event_can_have_is_found(tamper: Tamper, time: str) -> None:
    damage = await tamper(f"UPDATE ordertrail.events SET recorded_at = '{time}' WHERE position = 42")

    assert damage is not None
    assert damage.position == 42
    assert damage.what.startswith("the event cannot be read: timestamp too ")


async def test_a_deleted_event_is_found(tamper: Tamper) -> None:
    damage = await tamper("DELETE FROM ordertrail.events WHERE position = 42")

    assert damage == Damage(42, "it is missing: the next event has position 43")


async def test_a_deleted_event_is_found_though_the_others_moved_up(tamper: Tamper) -> None:
    damage = await tamper(
        "DELETE FROM ordertrail.events WHERE position = 42;"
        "UPDATE ordertrail.events SET position = -position + 1 WHERE position > 42;"
        "UPDATE ordertrail.events SET position = -position WHERE position < 0;"
        "UPDATE ordertrail.ledgers SET position = 299; UPDATE ordertrail.trees SET size = 299"
    )

    assert damage == Damage(42, CHANGED)


async def test_swapped_events_are_found(tamper: Tamper) -> None:
    damage = await tamper(
        "UPDATE ordertrail.events SET position = -1 WHERE position = 10;"
        "UPDATE ordertrail.events SET position = 10 WHERE position = 20;"
        "UPDATE ordertrail.events SET position = 20 WHERE position = -1"
    )

    assert damage == Damage(10, CHANGED)


async def test_an_event_that_was_put_in_between_is_found(tamper: Tamper) -> None:
    damage = await tamper(
        "UPDATE ordertrail.events SET position = -position - 1 WHERE position >= 100;"
        "UPDATE ordertrail.events SET position = -position WHERE position < 0;"
        "INSERT INTO ordertrail.events SELECT tenant, 100, 1, occurred_at, recorded_at, 'order-new', 'new', type, data,"
        " metadata FROM ordertrail.events WHERE position = 99;"
        "UPDATE ordertrail.ledgers SET position = 301"
    )

    assert damage == Damage(100, CHANGED)


async def test_an_event_before_the_first_is_found(tamper: Tamper) -> None:
    damage = await tamper(
        "INSERT INTO ordertrail.events SELECT tenant, 0, 1, occurred_at, recorded_at, 'order-new', 'new', type, data,"
        " metadata FROM ordertrail.events WHERE position = 99"
    )

    assert damage == Damage(1, "it is missing: the next event has position 0")


async def test_a_truncated_tail_is_found_though_the_head_was_moved(tamper: Tamper) -> None:
    damage = await tamper(
        "DELETE FROM ordertrail.events WHERE position > 250; UPDATE ordertrail.ledgers SET position = 250"
    )

    assert damage == Damage(251, "it is missing, and so is all that follows: 300 events were sealed")


async def test_an_emptied_table_is_found(tamper: Tamper) -> None:
    damage = await tamper("TRUNCATE ordertrail.events")

    assert damage == Damage(1, "it is missing, and so is all that follows: the ledger's head is 300")


async def test_a_stream_that_misses_a_version_is_found_though_nothing_was_sealed(tamper: Tamper) -> None:
    damage = await tamper(
        "TRUNCATE ordertrail.tree_heads, ordertrail.tiles, ordertrail.trees;"
        "UPDATE ordertrail.events SET version = version + 1 WHERE stream = 'order-3' AND version = 30"
    )

    assert damage is not None
    assert damage.position == 120
    assert damage.what.startswith("version 31 of order-3 follows version 29")


async def test_a_false_checkpoint_is_found(tamper: Tamper) -> None:
    damage = await tamper(
        "UPDATE ordertrail.tree_heads SET note = replace(note, E'\\n200\\n', E'\\n199\\n') WHERE size = 200"
    )

    assert damage is not None
    assert damage.position is None
    assert "the checkpoint of 200 events is not valid: The signature of" in damage.what


async def test_a_checkpoint_of_another_size_is_found(tamper: Tamper) -> None:
    damage = await tamper(
        "UPDATE ordertrail.tree_heads AS h SET note = o.note FROM ordertrail.tree_heads AS o"
        " WHERE h.size = 200 AND o.size = 100 AND h.tenant = 'acme' AND o.tenant = 'acme'"
    )

    assert damage is not None
    assert "the checkpoint of 200 events is that of 100" in damage.what


async def test_events_that_changed_together_with_their_hashes_are_found_by_what_was_signed(tamper: Tamper) -> None:
    damage = await tamper(
        "UPDATE ordertrail.events SET data = data || ' ' WHERE position = 3;"
        "UPDATE ordertrail.tiles AS t SET hashes = overlay(hashes placing"
        f" (SELECT {LEAF_HASH} FROM ordertrail.events WHERE tenant = 'acme' AND position = 3) FROM 65 FOR 32)"
        " WHERE tenant = 'acme' AND level = 0 AND number = 0"
    )

    assert damage == Damage(100, "events 1 to 100 do not have the root that was signed")


async def test_a_tail_that_was_sealed_but_not_signed_for_is_missed(tamper: Tamper) -> None:
    damage = await tamper(
        "DELETE FROM ordertrail.events WHERE position = 300; UPDATE ordertrail.ledgers SET position = 299;"
        "DELETE FROM ordertrail.tree_heads WHERE size = 300"
    )

    assert damage == Damage(300, "it is missing: a leaf was sealed here")


@pytest.mark.parametrize(
    ("tile", "change"),
    [
        ((0, 0), "DELETE FROM ordertrail.tiles"),
        ((0, 1), "DELETE FROM ordertrail.tiles"),
        ((1, 0), "DELETE FROM ordertrail.tiles"),
        ((0, 1), "UPDATE ordertrail.tiles SET hashes = substr(hashes, 1, 32)"),
    ],
)
async def test_hashes_that_proofs_lack_are_missed(tamper: Tamper, tile: tuple[int, int], change: str) -> None:
    level, number = tile

    damage = await tamper(f"{change} WHERE level = {level} AND number = {number}")

    what = f"tile {number} of level {level}, which proofs are made of, is missing, or ends too early"
    assert damage == Damage(None, what)


async def test_a_head_that_was_moved_back_is_found(tamper: Tamper) -> None:
    damage = await tamper("UPDATE ordertrail.ledgers SET position = 298")

    assert damage == Damage(299, "the ledger's head is 298, before this event")


async def test_a_false_checkpoint_of_more_than_there_is_is_found(tamper: Tamper) -> None:
    damage = await tamper(
        "INSERT INTO ordertrail.tree_heads SELECT tenant, 1000, note || 'x' FROM ordertrail.tree_heads LIMIT 1"
    )

    assert damage is not None
    assert damage.what.startswith("the checkpoint of 1000 events is not valid: A signed note is")
