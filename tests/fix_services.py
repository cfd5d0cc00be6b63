"""The application on a database of the test's own."""

from collections.abc import AsyncIterator

import pytest

from api.bootstrap import open_projector, open_services
from api.services import Services
from application.access.callers import Tenant
from application.views.upkeep.projector import Projector
from domain.values import TenantName


class Opened:
    """Services that are open."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def require(self) -> Services:
        return self._services


@pytest.fixture
async def services(dsn: str) -> AsyncIterator[Services]:
    async with open_services(dsn) as opened:
        yield opened


@pytest.fixture
async def owner(dsn: str) -> AsyncIterator[Services]:
    """What the commands work with that only the database's owner may run."""
    async with open_services(dsn, as_owner=True) as opened:
        yield opened


@pytest.fixture
async def projector(dsn: str) -> AsyncIterator[Projector]:
    async with open_projector(dsn) as opened:
        yield opened


@pytest.fixture
async def tenant(owner: Services) -> Tenant:
    await owner.credentials.create_tenant("acme", is_implicit=False, dintero_account="T12345678")
    return Tenant(TenantName("acme"), is_implicit=False, dintero_account="T12345678")
