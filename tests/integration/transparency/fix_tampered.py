"""A ledger that somebody with all rights changes."""

from collections.abc import Callable, Coroutine

import psycopg
import pytest

from api.bootstrap import open_sealer
from api.services import Services
from application.access.callers import Tenant
from application.ledger.codec import encode
from application.ledger.port import ANY, Append, Write
from application.transparency.audit.verification import Damage
from tests.builders import an_event

SIZE = 300
Tamper = Callable[[str], Coroutine[None, None, Damage | None]]


@pytest.fixture
async def tamper(services: Services, tenant: Tenant, dsn: str) -> Tamper:
    """Tells what is found after a superuser has run some SQL on a sealed ledger of 300 events of ten orders."""
    for n in range(10):
        events = tuple(encode(an_event(status=f"s{n}-{m}")) for m in range(SIZE // 10))
        await services.store.append(Append(tenant.name, (Write(f"order-{n}", ANY, events),)))
    async with open_sealer(dsn, batch=100) as sealer:
        await sealer.seal_all()

    async def run(sql: str) -> Damage | None:
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
            await connection.execute(sql.encode())
        verified = await services.verification.verify(tenant.name, lambda *_: None)
        return verified.damage

    return run


CHANGED = "the event differs from the one that was sealed here"
