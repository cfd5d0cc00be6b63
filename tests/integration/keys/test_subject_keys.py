"""The keys of subjects: one for each, the same for everybody, gone for everybody, and worth nothing without our own."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from hashlib import sha256

import psycopg
import pytest

from application.privacy.cipher import DamagedKey, Keys
from domain.errors import TenantNotFound, Unavailable
from domain.values import TenantName
from infrastructure.keys import subject_keys
from infrastructure.keys.credentials import PostgresCredentialStore
from infrastructure.keys.installation_key import InstallationKey
from infrastructure.keys.subject_keys import REMEMBERED, PostgresKeyRing
from infrastructure.postgres.database import open_pool
from tests.damage import KEYS, damage_key, restore_key

ACME = TenantName("acme")
INSTALLATION = InstallationKey(b"i" * 32)
KeyRings = Callable[..., PostgresKeyRing]


@pytest.fixture
async def key_rings(dsn: str) -> AsyncIterator[KeyRings]:
    """What opens key rings on one database, as several workers do."""
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(open_pool(dsn, size=4))
        owner = await stack.enter_async_context(open_pool(dsn, size=1, as_owner=True))
        await PostgresCredentialStore(owner).create_tenant(ACME, is_implicit=False, dintero_account=None)
        yield lambda key=INSTALLATION, **settings: PostgresKeyRing(pool, key, **settings)


@pytest.fixture
def keys(key_rings: KeyRings) -> PostgresKeyRing:
    return key_rings()


def ids(keys: Keys) -> dict[str, str | None]:
    return {subject: None if key is None or isinstance(key, DamagedKey) else key.token for subject, key in keys.items()}


def rows(dsn: str) -> list[tuple[str, bool, str | None]]:
    with psycopg.connect(dsn) as connection:
        found = connection.execute(
            "SELECT subject, wrapped IS NOT NULL, destroyed_by FROM ordertrail.subject_keys ORDER BY subject"
        )
        return found.fetchall()


async def test_a_subject_has_one_key_that_every_worker_gets(key_rings: KeyRings, keys: PostgresKeyRing) -> None:
    first = await keys.to_write(ACME, {"order-1", "order-2"})
    again = await key_rings().to_write(ACME, {"order-2", "order-1"})
    read = await key_rings().to_read(ACME, {"order-1", "order-2", "order-3"})

    assert ids(first) == ids(again) == ids(read)
    assert len(set(ids(first).values())) == 2


async def test_workers_that_make_keys_at_once_get_the_same_ones(key_rings: KeyRings, dsn: str) -> None:
    subjects = [f"order-{n}" for n in range(60)]
    rings = [key_rings() for _ in range(4)]

    found = await asyncio.gather(
        *[ring.to_write(ACME, subjects[n : n + 30][::step]) for n in range(30) for ring in rings for step in (1, -1)]
    )

    assert len({pair for keys in found for pair in ids(keys).items()}) == len(rows(dsn)) == 59


async def test_reading_makes_no_keys(keys: PostgresKeyRing, dsn: str) -> None:
    assert await keys.to_read(ACME, {"order-1"}) == {}
    assert await keys.to_read(ACME, set()) == {}
    assert rows(dsn) == []


async def test_tenants_have_nothing_of_each_other(keys: PostgresKeyRing, dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("INSERT INTO ordertrail.tenants (tenant) VALUES ('other')")
        connection.execute("INSERT INTO ordertrail.ledgers (tenant) VALUES ('other')")

    mine, theirs = await keys.to_write(ACME, {"order-1"}), await keys.to_write(TenantName("other"), {"order-1"})

    assert ids(mine) != ids(theirs)


async def test_an_unknown_tenant_gets_no_keys(keys: PostgresKeyRing) -> None:
    with pytest.raises(TenantNotFound):
        await keys.to_write(TenantName("nobody"), {"order-1"})


async def test_a_destroyed_key_is_gone_for_whoever_reads_at_once(key_rings: KeyRings, keys: PostgresKeyRing) -> None:
    elsewhere = key_rings()
    await elsewhere.to_write(ACME, {"order-1"})
    await elsewhere.to_read(ACME, {"order-1"})

    await keys.destroy(ACME, "order-1", by="k1")

    assert await keys.to_write(ACME, {"order-1"}) == {"order-1": None}
    assert await elsewhere.to_read(ACME, {"order-1"}) == {"order-1": None}


async def test_a_destroyed_key_is_gone_for_whoever_writes_after_a_while(
    key_rings: KeyRings, keys: PostgresKeyRing
) -> None:
    elsewhere = key_rings(remember_seconds=0.0)
    await elsewhere.to_write(ACME, {"order-1"})

    await keys.destroy(ACME, "order-1", by="k1")

    assert await elsewhere.to_write(ACME, {"order-1"}) == {"order-1": None}


async def test_a_forgotten_subject_never_gets_a_key_even_if_it_had_none(
    key_rings: KeyRings, keys: PostgresKeyRing, dsn: str
) -> None:
    await keys.destroy(ACME, "order-1", by="k1")
    await keys.destroy(ACME, "order-1", by="k2")

    assert await key_rings().to_write(ACME, {"order-1"}) == {"order-1": None}
    assert rows(dsn) == [("order-1", False, "k1")]


async def test_a_key_that_is_known_is_not_asked_for_again(keys: PostgresKeyRing, dsn: str) -> None:
    first = await keys.to_write(ACME, {"order-1"})
    with psycopg.connect(dsn) as connection:
        connection.execute("DELETE FROM ordertrail.subject_keys")

    assert await keys.to_write(ACME, {"order-1"}) == first
    assert rows(dsn) == []


async def test_no_more_keys_are_remembered_than_a_worker_has_room_for(keys: PostgresKeyRing) -> None:
    subjects = [f"order-{n}" for n in range(REMEMBERED + 10)]

    assert len(await keys.to_write(ACME, subjects)) == REMEMBERED + 10

    assert len(keys._known) == REMEMBERED


async def test_keys_are_worth_nothing_without_the_installations(key_rings: KeyRings, keys: PostgresKeyRing) -> None:
    await keys.to_write(ACME, {"order-1"})

    found = await key_rings(InstallationKey(b"x" * 32)).to_read(ACME, {"order-1"})

    assert isinstance(found["order-1"], DamagedKey)


async def test_a_key_that_was_given_to_another_subject_in_the_database_is_none(
    key_rings: KeyRings, keys: PostgresKeyRing, dsn: str
) -> None:
    await keys.to_write(ACME, {"order-1"})
    with psycopg.connect(dsn) as connection:
        connection.execute("UPDATE ordertrail.subject_keys SET subject = 'order-2'")

    assert isinstance((await key_rings().to_read(ACME, {"order-2"}))["order-2"], DamagedKey)


@pytest.mark.parametrize("how", KEYS)
async def test_a_damaged_key_is_damage_of_that_key_only(
    key_rings: KeyRings, keys: PostgresKeyRing, dsn: str, how: str
) -> None:
    whole = await keys.to_write(ACME, {"order-1", "order-2", "order-3"})
    await damage_key(dsn, ACME, "order-1", how, other="order-2")
    elsewhere = key_rings()

    read = await elsewhere.to_read(ACME, {"order-1", "order-2"})
    written = await elsewhere.to_write(ACME, {"order-1", "order-3", "order-4"})

    assert isinstance(read["order-1"], DamagedKey)
    assert isinstance(written["order-1"], DamagedKey)
    assert (ids(read)["order-2"], ids(written)["order-3"]) == (ids(whole)["order-2"], ids(whole)["order-3"])
    assert [subject async for subject in elsewhere.damaged(ACME)] == ["order-1"]


async def test_a_damaged_key_is_not_remembered(key_rings: KeyRings, keys: PostgresKeyRing, dsn: str) -> None:
    whole = await keys.to_write(ACME, {"order-1"})
    wrapped = await damage_key(dsn, ACME, "order-1", "emptied")
    elsewhere = key_rings()
    assert isinstance((await elsewhere.to_write(ACME, {"order-1"}))["order-1"], DamagedKey)

    await restore_key(dsn, ACME, "order-1", wrapped)

    assert ids(await elsewhere.to_write(ACME, {"order-1"})) == ids(whole)
    assert [subject async for subject in elsewhere.damaged(ACME)] == []


async def test_a_damaged_key_is_destroyed_like_any_other(key_rings: KeyRings, keys: PostgresKeyRing, dsn: str) -> None:
    await keys.to_write(ACME, {"order-1"})
    await damage_key(dsn, ACME, "order-1", "changed")

    await key_rings().destroy(ACME, "order-1", by="k1")

    assert await key_rings().to_read(ACME, {"order-1"}) == {"order-1": None}
    assert rows(dsn) == [("order-1", False, "k1")]


async def test_every_key_of_many_is_looked_at(
    key_rings: KeyRings, keys: PostgresKeyRing, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subject_keys, "PAGE", 7)
    subjects = [f"order-{n:02}" for n in range(21)]
    await keys.to_write(ACME, subjects)
    for subject in subjects[::5]:
        await damage_key(dsn, ACME, subject, "cut off")

    assert [subject async for subject in key_rings().damaged(ACME)] == subjects[::5]


async def test_a_damaged_key_is_logged_once_and_noted_without_what_is_in_it(
    key_rings: KeyRings, keys: PostgresKeyRing, dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    await keys.to_write(ACME, {"order-1", "order-2"})
    await damage_key(dsn, ACME, "order-1", "another subject's", other="order-2")
    elsewhere = key_rings()

    for _ in range(3):
        await elsewhere.to_read(ACME, {"order-1", "order-2"})
        await elsewhere.to_write(ACME, {"order-1"})

    [record] = caplog.records
    assert record.getMessage().startswith("The key of order-1 of tenant acme is damaged: ")
    with psycopg.connect(dsn) as connection:
        query = "SELECT tenant, subject, unreadable FROM ordertrail.subject_keys WHERE unreadable IS NOT NULL"
        noted = connection.execute(query).fetchall()
        [(wrapped,)] = connection.execute(
            "SELECT wrapped FROM ordertrail.subject_keys WHERE subject = 'order-1'"
        ).fetchall()
    # A copy would outlive the key of order-2 when that is destroyed.
    assert noted == [("acme", "order-1", sha256(wrapped).digest())]


async def test_a_database_that_takes_no_notes_keeps_nobody_from_reading(
    key_rings: KeyRings, keys: PostgresKeyRing, dsn: str
) -> None:
    await keys.to_write(ACME, {"order-1"})
    await damage_key(dsn, ACME, "order-1", "changed")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("DROP FUNCTION ordertrail.note_unreadable_keys")

    assert isinstance((await key_rings().to_read(ACME, {"order-1"}))["order-1"], DamagedKey)


async def test_what_could_not_be_noted_is_noted_as_soon_as_it_can_be_and_logged_once(
    key_rings: KeyRings, keys: PostgresKeyRing, dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    await keys.to_write(ACME, {"order-1"})
    await damage_key(dsn, ACME, "order-1", "changed")
    elsewhere = key_rings()
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("ALTER FUNCTION ordertrail.note_unreadable_keys RENAME TO aside")
        await elsewhere.to_read(ACME, {"order-1"})
        connection.execute("ALTER FUNCTION ordertrail.aside RENAME TO note_unreadable_keys")

        await elsewhere.to_read(ACME, {"order-1"})

        noted = "SELECT subject FROM ordertrail.subject_keys WHERE unreadable IS NOT NULL"
        assert connection.execute(noted).fetchall() == [("order-1",)]
    assert len(caplog.records) == 1


async def test_all_who_wait_for_keys_hear_that_there_are_none(dsn: str) -> None:
    async with open_pool(dsn, size=1) as pool:
        ring = PostgresKeyRing(pool, INSTALLATION)

    results = await asyncio.gather(*[ring.to_write(ACME, {"order-1"}) for _ in range(3)], return_exceptions=True)

    assert [type(result) for result in results] == [Unavailable] * 3
