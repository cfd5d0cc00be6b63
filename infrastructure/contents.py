"""Large bodies in PostgreSQL."""

from datetime import datetime
from hashlib import sha256

from application.contents import Place
from domain.values import ContentRef, TenantName
from infrastructure.database import Pool, reading
from infrastructure.statements import statements

_SQL = statements("contents")

BUCKET = "ordertrail-contents"


class PostgresContentStore:
    """Implements application.contents.ContentStore."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def put(self, tenant: TenantName, subject: str, body: bytes) -> ContentRef:
        digest = sha256(body)
        content = {"tenant": tenant, "digest": digest.digest(), "subject": subject, "body": body}
        async with reading(self._pool) as connection:
            await connection.execute(_SQL["put"], content)
        return ContentRef(digest=digest.hexdigest(), size=len(body))

    async def get(self, tenant: TenantName, digest: str) -> bytes | None:
        async with reading(self._pool) as connection, connection.cursor(binary=True) as cursor:
            await cursor.execute(_SQL["get"], {"tenant": tenant, "digest": bytes.fromhex(digest)})
            row = await cursor.fetchone()
        return None if row is None else bytes(row[0])

    # The database sees to it that nothing else is deleted.
    async def delete(self, tenant: TenantName, digest: str, *, before: datetime | None = None) -> None:
        which = {"tenant": tenant, "digest": bytes.fromhex(digest), "before": before}
        async with reading(self._pool) as connection:
            await connection.execute(_SQL["delete"], which)

    def place(self, tenant: TenantName, digest: str) -> Place:
        return Place(BUCKET, f"{tenant}/{digest}")
