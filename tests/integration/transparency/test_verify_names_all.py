"""Verification names everything that is wrong with a ledger, in order."""

import pytest

from api.bootstrap import open_sealer
from api.cli.ledgers import verify_ledgers
from api.services import Services
from application.access.callers import Tenant
from application.ledger.codec import encode
from application.ledger.port import ANY, Append, Write
from application.transparency.audit.verification import Damage
from application.views.upkeep.projector import Projector
from tests.builders import an_event
from tests.integration.transparency.fix_tampered import CHANGED, Tamper

EITHER = "the event or its kept hash was changed after it was sealed"
REBUILD = "run ordertrail rebuild timeline --tenant acme"


async def all_damages(services: Services, tenant: Tenant) -> list[Damage]:
    found: list[Damage] = []
    await services.verification.verify(tenant.name, lambda *_: None, tell=found.append)
    return found


async def test_all_that_is_wrong_with_a_ledger_is_told_with_what_is_wrong_with_its_events_first(
    services: Services, tenant: Tenant, projector: Projector, tamper: Tamper
) -> None:
    await projector.behind()
    await projector.catch_up(tenant.name)
    await tamper(
        "UPDATE ordertrail.events SET data = data || ' ' WHERE position = 257;"
        "UPDATE ordertrail.tree_heads SET note = '' WHERE size = 100;"
        "UPDATE ordertrail.tiles SET hashes = set_byte(hashes, 0, get_byte(hashes, 0) # 1);"
        "UPDATE ordertrail.trees SET size = 7;"
        "UPDATE ordertrail.checkpoints SET position = 400 WHERE projection = 'timeline'"
    )

    damages = await all_damages(services, tenant)

    assert damages[0] == Damage(257, CHANGED)
    assert damages[1].what.startswith("the checkpoint of 100 events is not valid: A signed note is")
    assert [damage.what for damage in damages[2:]] == [
        "the tree's kept size is 7 leaves, but the newest signed checkpoint covers 300 events",
        f"view timeline is noted to have read 400 events, the ledger has 300; {REBUILD}",
    ]


async def test_a_tile_before_the_last_checkpoint_that_agrees_is_named_beside_an_event_that_was_changed(
    services: Services, tenant: Tenant, tamper: Tamper, dsn: str
) -> None:
    await services.store.append(Append(tenant.name, (Write("order-x", ANY, (encode(an_event()),)),)))
    async with open_sealer(dsn) as sealer:
        await sealer.seal_all()
    await tamper(
        "UPDATE ordertrail.tiles SET hashes = set_byte(hashes, 0, 0) WHERE level = 0 AND number = 0;"
        "UPDATE ordertrail.events SET data = data || ' ' WHERE position = 301"
    )

    assert await all_damages(services, tenant) == [
        Damage(301, CHANGED),
        Damage(None, "tile 0 of level 0, which proofs are made of, differs from the ledger"),
    ]


async def test_a_checkpoint_that_nobody_signed_hides_nothing_that_follows_it(
    services: Services, tenant: Tenant, tamper: Tamper
) -> None:
    await tamper(
        "UPDATE ordertrail.tree_heads SET note = '' WHERE size = 100;"
        "UPDATE ordertrail.events SET data = data || ' ' WHERE position = 142"
    )

    damages = await all_damages(services, tenant)

    assert damages[0] == Damage(142, CHANGED)
    assert damages[1].what.startswith("the checkpoint of 100 events is not valid")


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        ("INSERT INTO ordertrail.tiles VALUES ('acme', 0, 2, '')", None),
        ("INSERT INTO ordertrail.tiles VALUES ('acme', 0, 2, '\\x00')", "tile 2 of level 0"),
        ("INSERT INTO ordertrail.tiles VALUES ('acme', 5, 0, '\\x00')", "tile 0 of level 5"),
        ("INSERT INTO ordertrail.tiles VALUES ('acme', 0, -1, '\\x00')", "tile -1 of level 0"),
        ("INSERT INTO ordertrail.tiles VALUES ('acme', 77, 0, '\\x00')", "tile 0 of level 77"),
        ("UPDATE ordertrail.tiles SET hashes = hashes || hashes WHERE level = 1", "tile 0 of level 1"),
    ],
)
async def test_a_tile_beyond_what_was_signed_is_named(
    services: Services, tenant: Tenant, tamper: Tamper, sql: str, what: str | None
) -> None:
    await tamper(sql)

    found = [damage.what for damage in await all_damages(services, tenant)]

    assert found == ([] if what is None else [f"{what} reaches beyond the 300 events that were signed"])


async def test_where_nothing_was_signed_an_event_and_its_hash_are_named_together(
    services: Services, tenant: Tenant, tamper: Tamper
) -> None:
    await services.store.append(Append(tenant.name, (Write("order-x", ANY, (encode(an_event()),)),)))
    await tamper("UPDATE ordertrail.tiles SET hashes = hashes || decode(repeat('ab', 32), 'hex') WHERE number = 1")

    assert await all_damages(services, tenant) == [
        Damage(301, f"{EITHER}: no checkpoint tells which of the two"),
        Damage(None, "tile 1 of level 0 reaches beyond the 300 events that were signed"),
    ]


async def test_of_very_many_wrong_tiles_some_are_named_and_the_others_counted(
    services: Services, tenant: Tenant, dsn: str, tamper: Tamper
) -> None:
    for n in range(25):
        events = tuple(encode(an_event(status=str(n))) for _ in range(256))
        await services.store.append(Append(tenant.name, (Write(f"order-x{n}", ANY, events),)))
    async with open_sealer(dsn) as sealer:
        await sealer.seal_all()
    await tamper("UPDATE ordertrail.tiles SET hashes = set_byte(hashes, 0, get_byte(hashes, 0) # 1) WHERE level = 0")

    damages = await all_damages(services, tenant)

    assert len(damages) == 21
    assert damages[-1] == Damage(None, "7 more tiles are wrong")


async def test_one_damaged_ledger_hides_no_other(
    owner: Services, tenant: Tenant, tamper: Tamper, dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("aardvark", "globex", "zoo"):
        await owner.credentials.create_tenant(name, is_implicit=True, dintero_account=None)
    await tamper(
        "UPDATE ordertrail.events SET data = data || ' ' WHERE position = 3;"
        "UPDATE ordertrail.trees SET size = 9 WHERE tenant = 'zoo';"
        "INSERT INTO ordertrail.trees (tenant, size) VALUES ('zoo', 9);"
        "DELETE FROM ordertrail.ledgers WHERE tenant = 'aardvark'"
    )

    assert not await verify_ledgers(dsn, None)

    lines = capsys.readouterr().out.splitlines()
    assert sorted(lines) == [
        "aardvark: DAMAGED: there is no ledger of this tenant",
        f"acme: DAMAGED at position 3: {CHANGED}",
        "globex: 0 events are whole and in order; none of them is signed yet",
        "zoo: DAMAGED: the tree's kept size is 9 leaves, but the newest signed checkpoint covers 0 events",
    ]
