"""Idempotency-Keys are forgotten after their time, in batches, and nothing else is."""

from datetime import timedelta

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from api.bootstrap import open_key_expiry
from infrastructure.ledger import key_expiry
from infrastructure.postgres.session import runtime_dsn
from tests.fix_store import Ledger, key, new_event

MONTH = timedelta(days=30)


async def used_ago(dsn: str, ledger: Ledger, name: str, age: str) -> None:
    """Append an event with a key, as if it had been used so long ago."""
    await ledger.append("order-1", new_event(f"event-of-{name}"), key=key(name))
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        await connection.execute(
            "UPDATE ordertrail.requests SET used_at = now() - %s::interval WHERE tenant = %s AND idempotency_key = %s",
            [age, ledger.tenant, name],
        )


async def known(ledger: Ledger, *names: str) -> list[str]:
    return [name for name in names if await ledger.store.find_request(ledger.tenant, key(name))]


async def test_keys_are_forgotten_after_their_time_and_events_stay(shared_dsn: str, postgres_ledger: Ledger) -> None:
    other = await postgres_ledger.another()
    for name, age in (("old", "31 days"), ("older", "1 year"), ("young", "29 days")):
        await used_ago(shared_dsn, postgres_ledger, name, age)
    await used_ago(shared_dsn, other, "old", "31 days")

    async with open_key_expiry(shared_dsn, keep=MONTH) as expiry:
        await expiry.expire_all()

    assert await known(postgres_ledger, "old", "older", "young") == ["young"]
    assert await known(other, "old") == []
    assert await postgres_ledger.ids() == ["event-of-old", "event-of-older", "event-of-young"]
    again = await postgres_ledger.append("order-1", new_event("event-of-old"), key=key("old", b"another request"))
    assert again.is_replayed  # the event is known by its id, and the key is free


async def test_many_keys_are_forgotten_in_batches(shared_dsn: str, postgres_ledger: Ledger) -> None:
    for n in range(5):
        await used_ago(shared_dsn, postgres_ledger, f"k{n}", "31 days")

    async with open_key_expiry(shared_dsn, keep=MONTH) as expiry:
        deleted = [await expiry._store.expire(postgres_ledger.tenant, MONTH, limit=2) for _ in range(4)]

    assert deleted == [2, 2, 1, 0]
    assert key_expiry.PostgresKeyExpiryStore is type(expiry._store)


async def test_no_key_younger_than_an_hour_can_be_deleted_by_the_service(
    shared_dsn: str, postgres_ledger: Ledger
) -> None:
    await used_ago(shared_dsn, postgres_ledger, "now", "59 minutes")

    async with await psycopg.AsyncConnection.connect(runtime_dsn(shared_dsn), autocommit=True) as connection:
        call = "SELECT ordertrail.expire_requests(%s, '-1 day', 100)"
        assert await (await connection.execute(call, [postgres_ledger.tenant])).fetchone() == (0,)
        with pytest.raises(InsufficientPrivilege):
            await connection.execute("DELETE FROM ordertrail.requests WHERE tenant = %s", [postgres_ledger.tenant])

    assert await known(postgres_ledger, "now") == ["now"]
