"""The keys of subjects: one for each, the same for everybody, gone for everybody, and worth nothing without our own."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import psycopg
import pytest

from application.encryption import Keys
from domain.errors import TenantNotFound, Unavailable
from domain.values import TenantName
from infrastructure.credentials import PostgresCredentialStore
from infrastructure.database import open_pool
from infrastructure.installation_key import InstallationKey, WrongInstallationKey
from infrastructure.subject_keys import REMEMBERED, PostgresKeyRing

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
    return {subject: key and key.token for subject, key in keys.items()}


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

    with pytest.raises(WrongInstallationKey):
        await key_rings(InstallationKey(b"x" * 32)).to_read(ACME, {"order-1"})


async def test_a_key_that_was_given_to_another_subject_in_the_database_is_refused(
    key_rings: KeyRings, keys: PostgresKeyRing, dsn: str
) -> None:
    await keys.to_write(ACME, {"order-1"})
    with psycopg.connect(dsn) as connection:
        connection.execute("UPDATE ordertrail.subject_keys SET subject = 'order-2'")

    with pytest.raises(WrongInstallationKey):
        await key_rings().to_read(ACME, {"order-2"})


async def test_all_who_wait_for_keys_hear_that_there_are_none(dsn: str) -> None:
    async with open_pool(dsn, size=1) as pool:
        ring = PostgresKeyRing(pool, INSTALLATION)

    results = await asyncio.gather(*[ring.to_write(ACME, {"order-1"}) for _ in range(3)], return_exceptions=True)

    assert [type(result) for result in results] == [Unavailable] * 3
