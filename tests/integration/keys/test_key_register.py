"""Credentials as whoever runs the store handles them: listed, ended, given another secret."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg.errors import CheckViolation

from api.bootstrap import open_register
from api.services import Register, Services
from application.access.callers import Access, Tenant
from application.access.credentials import KeyRecord, KeyState, NewKey
from domain.errors import KeyHasEnded, KeyNotFound, Unauthenticated
from domain.values import TenantName
from infrastructure.keys import key_register
from infrastructure.keys.credentials import PostgresCredentialStore
from infrastructure.keys.tokens import JwtSigner, digest_of
from infrastructure.postgres.database import open_pool
from tests.builders import an_actor

OTHER = TenantName("other")
DAY = timedelta(days=1)


@pytest.fixture
async def register(dsn: str) -> AsyncIterator[Register]:
    async with open_register(dsn, as_owner=True) as opened:
        yield opened


@pytest.fixture
async def access(dsn: str) -> AsyncIterator[Access]:
    """A worker that remembers nothing."""
    async with open_pool(dsn, size=1) as pool:
        yield Access(PostgresCredentialStore(pool), JwtSigner(bytes(32)))


async def a_key(owner: Services, tenant: Tenant, **given: datetime) -> NewKey:
    return await owner.credentials.create_key(tenant.name, scopes=("read",), name="Shop", **given)


async def run(dsn: str, statement: str) -> None:
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        await connection.execute(statement.encode())


async def opens(access: Access, key: NewKey) -> bool:
    try:
        return (await access.by_secret(key.key_id, key.secret)).key_id == key.key_id
    except Unauthenticated:
        return False


async def test_a_credential_is_listed_with_all_there_is_to_know_and_without_its_secret(
    owner: Services, tenant: Tenant, register: Register
) -> None:
    before, expires_at = datetime.now(UTC), datetime.now(UTC) + DAY
    person = an_actor(id="u-7", name="Kim", type="User")

    key = await owner.credentials.create_key(
        tenant.name, scopes=("read", "write:orders"), name="Shop", performer=person, expires_at=expires_at
    )

    [listed] = await register.keys.of_tenant(tenant.name)
    assert listed[:5] == (tenant.name, key.key_id, "Shop", ("read", "write:orders"), person)
    assert before - timedelta(seconds=60) < listed.created_at < datetime.now(UTC) + timedelta(seconds=60)
    assert listed.rotated_at is None
    assert listed.ends == (expires_at, None, None)
    assert key.secret not in repr(listed)
    assert digest_of(key.secret).hex() not in repr(listed)
    assert repr(digest_of(key.secret)) not in repr(listed)


async def test_credentials_are_listed_in_the_order_they_were_created_page_by_page(
    owner: Services, tenant: Tenant, register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    created = [(await a_key(owner, tenant)).key_id for _ in range(6)]

    for page in (1, 2, 4, 6, 7):
        monkeypatch.setattr(key_register, "PAGE", page)

        assert [key.key_id for key in await register.keys.of_tenant(tenant.name)] == created


async def test_a_tenant_has_its_own_credentials_and_no_others(
    owner: Services, tenant: Tenant, register: Register
) -> None:
    await owner.credentials.create_tenant(OTHER, is_implicit=False, dintero_account=None)
    key = await a_key(owner, tenant)

    assert await register.keys.of_tenant(OTHER) == []
    with pytest.raises(KeyNotFound, match=f"Tenant 'other' has no key '{key.key_id}'"):
        await register.keys.find(key.key_id, OTHER)
    assert (await register.keys.find(key.key_id)).tenant == tenant.name


async def test_an_unknown_key_id_is_not_found(register: Register) -> None:
    with pytest.raises(KeyNotFound, match="There is no key 'nobody'"):
        await register.keys.find("nobody")


async def test_a_revoked_credential_opens_nothing_and_stays_in_the_list(
    owner: Services, tenant: Tenant, register: Register, access: Access
) -> None:
    key, other = await a_key(owner, tenant), await a_key(owner, tenant)

    is_new = await register.keys.revoke(await register.keys.find(key.key_id))

    assert is_new
    assert not await opens(access, key)
    assert await opens(access, other)
    assert [state(listed) for listed in await register.keys.of_tenant(tenant.name)] == ["revoked", "active"]


async def test_revoking_again_keeps_the_first_time(owner: Services, tenant: Tenant, register: Register) -> None:
    key = await a_key(owner, tenant)
    await register.keys.revoke(await register.keys.find(key.key_id))
    first = await register.keys.find(key.key_id)

    assert not await register.keys.revoke(first)

    assert await register.keys.find(key.key_id) == first
    assert first.ends.revoked_at is not None


async def test_a_rotated_credential_opens_with_both_secrets_until_the_old_one_ends(
    owner: Services, tenant: Tenant, register: Register, access: Access, dsn: str
) -> None:
    old = await a_key(owner, tenant, expires_at=datetime.now(UTC) + DAY)

    new = await register.keys.rotate(await register.keys.find(old.key_id), keep=timedelta(hours=1))

    assert new._replace(secret=old.secret) == old
    assert new.secret != old.secret
    assert await opens(access, old)
    assert await opens(access, new)
    listed = await register.keys.find(old.key_id)
    assert state(listed) == "rotating"
    assert listed.rotated_at is not None
    assert listed.ends.earlier_until == listed.rotated_at + timedelta(hours=1)
    await run(dsn, "UPDATE ordertrail.credentials SET earlier_until = now()")
    access._known.clear()
    assert not await opens(access, old)
    assert await opens(access, new)


async def test_of_three_secrets_the_oldest_ends_at_once(
    owner: Services, tenant: Tenant, register: Register, access: Access
) -> None:
    oldest = await a_key(owner, tenant)
    record = await register.keys.find(oldest.key_id)

    second = await register.keys.rotate(record, keep=DAY)
    third = await register.keys.rotate(record, keep=DAY)

    assert [await opens(access, key) for key in (oldest, second, third)] == [False, True, True]


async def test_a_secret_that_is_not_kept_ends_at_once_with_the_one_before_it(
    owner: Services, tenant: Tenant, register: Register, access: Access
) -> None:
    oldest = await a_key(owner, tenant)
    record = await register.keys.find(oldest.key_id)
    second = await register.keys.rotate(record, keep=DAY)

    third = await register.keys.rotate(record, keep=timedelta(0))

    assert [await opens(access, key) for key in (oldest, second, third)] == [False, False, True]
    assert state(await register.keys.find(oldest.key_id)) == "active"


async def test_of_rotations_at_the_same_time_the_last_two_secrets_are_good(
    owner: Services, tenant: Tenant, register: Register, access: Access, dsn: str
) -> None:
    first = await a_key(owner, tenant)
    record = await register.keys.find(first.key_id)

    async with open_register(dsn, as_owner=True) as another:
        registers = [register, another] * 3
        rotated = await asyncio.gather(*[each.keys.rotate(record, keep=DAY) for each in registers])

    assert sum([await opens(access, key) for key in rotated]) == 2
    assert not await opens(access, first)


@pytest.mark.parametrize("end", ["revoked_at = now()", "expires_at = now()"])
async def test_a_credential_that_has_ended_gets_no_other_secret(
    owner: Services, tenant: Tenant, register: Register, dsn: str, end: str
) -> None:
    key = await a_key(owner, tenant)
    record = await register.keys.find(key.key_id)
    await run(dsn, f"UPDATE ordertrail.credentials SET {end}")

    with pytest.raises(KeyHasEnded, match="was revoked or has expired"):
        await register.keys.rotate(record, keep=DAY)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ("earlier_digest = '', rotated_at = now()", "an_earlier_secret_has_an_end"),
        ("earlier_until = now()", "an_earlier_secret_has_an_end"),
        ("earlier_digest = '', earlier_until = now()", "an_earlier_secret_was_replaced"),
    ],
)
async def test_an_earlier_secret_is_described_in_full(
    owner: Services, tenant: Tenant, dsn: str, change: str, rule: str
) -> None:
    await a_key(owner, tenant)

    with pytest.raises(CheckViolation, match=rule):
        await run(dsn, f"UPDATE ordertrail.credentials SET {change}")


def state(key: KeyRecord) -> KeyState:
    return key.ends.state(datetime.now(UTC))
