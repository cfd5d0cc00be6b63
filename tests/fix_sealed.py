"""A ledger that is sealed, and whoever meddles with what is kept of it."""

from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
import pytest

from api.bootstrap import open_repair, open_sealer
from api.cli.maintenance import create_tenant
from api.services import Services
from application.access.callers import Tenant
from application.ledger.codec import encode
from application.ledger.port import ANY, Append, Write
from application.transparency.audit.findings import Damage
from application.transparency.audit.repair import Repaired
from domain.values import TenantName
from infrastructure.postgres.session import runtime_dsn
from tests.builders import an_event


@dataclass
class SealedLedger:
    """One tenant's ledger of a few orders, of which a batch is sealed at a time."""

    services: Services
    tenant: TenantName
    dsn: str

    async def tell(self, count: int, *, order_id: str = "1") -> None:
        """Append events."""
        events = tuple(encode(an_event(status=f"s{n}")) for n in range(count))
        await self.services.store.append(Append(self.tenant, (Write(f"order-{order_id}", ANY, events),)))

    async def seal(self, *, batch: int = 100) -> None:
        """Seal whatever there is, as a sealer that has just begun does."""
        async with open_sealer(self.dsn, batch=batch) as sealer:
            await sealer.seal_all()

    async def create_tenant(self, name: str, *, is_implicit: bool, dintero_account: str | None) -> None:
        """Create another tenant beside it."""
        await create_tenant(self.dsn, name, is_implicit=is_implicit, dintero_account=dintero_account)

    async def meddle(self, sql: LiteralString, *parameters: Any) -> int:
        """Do what the running service may do in the database; return how many rows that was about."""
        return await self._execute(runtime_dsn(self.dsn), sql, parameters)

    async def tamper(self, sql: LiteralString, *parameters: Any) -> int:
        """Do what only a superuser can; return how many rows that was about."""
        return await self._execute(self.dsn, sql, parameters)

    async def rows(self, sql: LiteralString, *parameters: Any) -> list[Any]:
        """Return what a query finds."""
        async with await psycopg.AsyncConnection.connect(self.dsn) as connection:
            return await (await connection.execute(sql, parameters or None)).fetchall()

    async def sizes(self) -> list[int]:
        """Return the sizes that checkpoints are kept for."""
        query: LiteralString = "SELECT size FROM ordertrail.tree_heads WHERE tenant = %s ORDER BY size"
        return [size for (size,) in await self.rows(query, self.tenant)]

    async def error(self) -> str | None:
        """Return why sealing has stopped."""
        [(error,)] = await self.rows("SELECT error FROM ordertrail.trees WHERE tenant = %s", self.tenant)
        return None if error is None else str(error)

    async def damages(self) -> list[Damage]:
        """Return all that verification finds."""
        found: list[Damage] = []
        await self.services.verification.verify(self.tenant, lambda *_: None, tell=found.append)
        return found

    async def whats(self) -> list[str]:
        """Return all that verification finds, without where it is."""
        return [damage.what for damage in await self.damages()]

    async def repair(self) -> Repaired:
        async with open_repair(self.dsn) as work:
            return await work.repair(self.tenant, lambda *_: None)

    async def keys(self) -> str:
        """Return the ledger's keys as auditors have them."""
        return "\n".join(map(str, await self.services.proofs.verifiers(self.tenant)))

    async def _execute(self, dsn: str, sql: LiteralString, parameters: Any) -> int:
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
            return (await connection.execute(sql, parameters or None)).rowcount


@pytest.fixture
async def ledger_of_300(services: Services, tenant: Tenant, dsn: str) -> SealedLedger:
    """300 events of ten orders, sealed a hundred at a time."""
    ledger = SealedLedger(services, tenant.name, dsn)
    for n in range(10):
        await ledger.tell(30, order_id=str(n))
    await ledger.seal()
    return ledger
