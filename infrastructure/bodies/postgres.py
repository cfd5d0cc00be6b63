"""Large bodies in PostgreSQL."""

from datetime import datetime
from hashlib import sha256

from application.bodies.port import BodyPlace
from application.runtime.room import AT_ONCE
from domain.values import BodyRef, TenantName
from infrastructure.postgres.bounded_reads import BoundedReads, Large
from infrastructure.postgres.database import Pool, reading, writing
from infrastructure.postgres.statements import statements

_SQL = statements("bodies")

BUCKET = "ordertrail-contents"


class PostgresBodyStore:
    """Implements application.bodies.port.BodyStore."""

    def __init__(self, pool: Pool, large: Large | None = None) -> None:
        self._pool = pool
        self._large = large
        self._reads = BoundedReads(pool, large)

    async def put(self, tenant: TenantName, subject: str, body: bytes) -> BodyRef:
        digest = sha256(body)
        pool = self._large.pool if self._large is not None and len(body) > AT_ONCE else self._pool
        content = {"tenant": tenant, "digest": digest.digest(), "subject": subject, "body": body}
        async with reading(pool) as connection:
            await connection.execute(_SQL["put"], content)
        return BodyRef(digest=digest.hexdigest(), size=len(body))

    async def get(self, tenant: TenantName, digest: str) -> bytes | None:
        which = {"tenant": tenant, "digest": bytes.fromhex(digest)}
        rows = await self._reads.fetch(_SQL["get"], **which, inline=AT_ONCE)
        if rows and rows[0][0] is None:
            await self._reads.make_room(tenant, rows[0][1])
            rows = await self._reads.fetch_large(_SQL["get_large"], **which)
        return rows[0][0] if rows else None

    # The database itself deletes nothing else.
    async def delete(self, tenant: TenantName, digest: str, *, before: datetime | None = None) -> None:
        which = {"tenant": tenant, "digest": bytes.fromhex(digest), "before": before}
        async with writing(self._pool) as connection:
            await connection.execute(_SQL["delete"], which)

    def place(self, tenant: TenantName, digest: str) -> BodyPlace:
        return BodyPlace(BUCKET, f"{tenant}/{digest}")
