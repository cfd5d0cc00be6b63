"""What the command line shows of tenants."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from api.bootstrap import open_register
from api.cli.keys import Document
from api.cli.terminal.tables import minute, table
from api.services import Register
from application.access.tenants import TenantRecord
from domain.values import TenantName

LABELS = ("Tenant", "Implicit", "Dintero account", "Calls kept", "Active keys", "Head", "Sealed", "Created")


class Shown(NamedTuple):
    """A tenant, and the number of its usable credentials."""

    record: TenantRecord
    active_keys: int


async def list_tenants(dsn: str) -> list[Shown]:
    """Return all tenants by name."""
    async with open_register(dsn) as register:
        return [await _shown(register, name) for name in await register.tenants.names()]


async def show_tenant(dsn: str, tenant: str) -> Shown:
    """Return a tenant. Raises TenantNotFound."""
    async with open_register(dsn) as register:
        return await _shown(register, TenantName(tenant))


def tenant_document(tenant: Shown) -> Document:
    """Return a tenant in its printed JSON form."""
    record = tenant.record
    return {
        "tenant": record.tenant,
        "implicit": record.is_implicit,
        "dintero_account": record.dintero_account,
        "bodies_days": None if record.kept is None else record.kept.days,
        "active_keys": tenant.active_keys,
        "head": record.head,
        "sealed": record.sealed,
        "created_at": record.created_at,
    }


def tenants_table(tenants: Sequence[Shown]) -> str:
    """Return tenants as a table for people, one a line."""
    return (
        table([label.upper() for label in LABELS], [_row(tenant) for tenant in tenants])
        if tenants
        else "There are no tenants."
    )


def tenant_text(tenant: Shown) -> str:
    """Return a tenant as text for people, one setting a line."""
    width = max(map(len, LABELS)) + 2
    return "\n".join(f"{label:<{width}}{cell}" for label, cell in zip(LABELS, _row(tenant), strict=True))


async def _shown(register: Register, tenant: TenantName) -> Shown:
    now = datetime.now(UTC)
    record, keys = await register.tenants.find(tenant), await register.keys.of_tenant(tenant)
    return Shown(record, sum(key.ends.state(now).is_usable for key in keys))


def _row(tenant: Shown) -> tuple[str, ...]:
    record = tenant.record
    return (
        record.tenant,
        "yes" if record.is_implicit else "no",
        record.dintero_account or "none",
        "for ever" if record.kept is None else f"{record.kept.days} days",
        str(tenant.active_keys),
        str(record.head),
        str(record.sealed),
        minute(record.created_at),
    )
