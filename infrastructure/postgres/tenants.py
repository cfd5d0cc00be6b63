"""The names of all tenants, for whatever is done for each of them."""

from domain.values import TenantName
from infrastructure.postgres.database import Pool, reading
from infrastructure.postgres.statements import statements


async def tenant_names(pool: Pool) -> list[TenantName]:
    """Return the names of all tenants, in the order of their names."""
    async with reading(pool) as connection:
        rows = await (await connection.execute(statements("credentials")["tenants"])).fetchall()
    return [TenantName(row[0]) for row in rows]
