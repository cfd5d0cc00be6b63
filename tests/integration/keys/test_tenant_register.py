"""Tenants as whoever runs the store sees them."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from api.bootstrap import open_register, open_sealer
from api.services import Register, Services
from application.access.callers import Tenant
from domain.errors import TenantNotFound
from domain.values import TenantName


@pytest.fixture
async def register(dsn: str) -> AsyncIterator[Register]:
    async with open_register(dsn, as_owner=True) as opened:
        yield opened


async def test_a_new_tenant_has_nothing_yet(register: Register, tenant: Tenant) -> None:
    found = await register.tenants.find(tenant.name)

    assert found[:6] == ("acme", False, "T12345678", None, 0, 0)
    assert abs(datetime.now(UTC) - found.created_at) < timedelta(minutes=5)


async def test_its_settings_are_told_and_how_far_its_ledger_is_and_was_signed(
    owner: Services, register: Register, tenant: Tenant, dsn: str
) -> None:
    await owner.credentials.create_tenant("other", is_implicit=True, dintero_account=None)
    await owner.retention.keep(tenant.name, timedelta(days=90))
    for order_id in ("A-1", "A-2"):
        await owner.orders.create(tenant, order_id)
    async with open_sealer(dsn) as sealer:
        await sealer.seal_all()
    await owner.orders.create(tenant, "A-3")

    found, other = await register.tenants.find(tenant.name), await register.tenants.find(TenantName("other"))

    assert (found.kept, found.head, found.sealed) == (timedelta(days=90), 3, 2)
    assert (other.is_implicit, other.dintero_account, other.kept, other.head, other.sealed) == (True, None, None, 0, 0)


async def test_tenants_are_listed_by_name(owner: Services, register: Register, tenant: Tenant) -> None:
    for name in ("zoo", "Bakery", "a-1"):
        await owner.credentials.create_tenant(name, is_implicit=False, dintero_account=None)

    assert await register.tenants.names() == ["Bakery", "a-1", tenant.name, "zoo"]


async def test_a_tenant_that_there_is_not_is_not_found(register: Register) -> None:
    with pytest.raises(TenantNotFound):
        await register.tenants.find(TenantName("nobody"))
