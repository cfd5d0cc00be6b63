"""What `ordertrail tenant delete` does."""

import getpass
from contextlib import suppress
from pathlib import Path

from api.bootstrap import open_register, open_services
from api.cli.files.ledger_files import export_ledger
from api.cli.maintenance import InvalidArgument
from api.services import Services
from application.bodies.vault import WITH_CONTENT, digest_in
from application.ledger.reading import ledger_pages
from domain.errors import LedgerHasGrown, NotSealed, OrdertrailError
from domain.values import TenantName

TRIES = 5
"""How often the ledger is exported, because requests that were on their way have written to it meanwhile."""


class NotConfirmed(OrdertrailError):
    """This is not the tenant's name, so nothing was deleted."""


async def events_of(dsn: str, tenant: TenantName) -> int:
    """Return how many events a tenant has, as somebody who may delete it. Raises TenantNotFound, MissingRight."""
    async with open_register(dsn, as_owner=True) as register:
        return (await register.tenants.find(tenant)).head


def require_new(file: Path) -> None:
    """Raise InvalidArgument if the file of the last export is there already."""
    if file.exists():
        raise InvalidArgument(f"{file} exists already; name another file for the last export")


async def delete_tenant(dsn: str, tenant: TenantName, file: Path, *, bodies_url: str | None) -> int:
    """End a tenant's credentials, export its ledger to a file that proves it, and delete the tenant for good.

    Return how many events it had. Raises LedgerHasGrown, FileDamaged if the ledger is not as it was signed; then
    nothing is deleted.
    """
    async with open_register(dsn, as_owner=True) as register, open_services(dsn, bodies_url=bodies_url) as services:
        for key in await register.keys.of_tenant(tenant):
            await register.keys.revoke(key)
        for left in range(TRIES - 1, -1, -1):
            await export_ledger(dsn, tenant, file, plain=False)
            events, checkpoint = (await register.tenants.find(tenant)).sealed, None
            with suppress(NotSealed):  # there are no events
                checkpoint = await services.proofs.checkpoint(tenant)
            if bodies_url is not None:
                await _delete_bodies(services, tenant, events)
            try:
                await register.tenants.delete(tenant, events=events, checkpoint=checkpoint, by=getpass.getuser())
            except LedgerHasGrown:
                if not left:
                    raise
                _remove(file)
            else:
                return events
    raise AssertionError


def _remove(file: Path) -> None:
    file.unlink()


async def _delete_bodies(services: Services, tenant: TenantName, events: int) -> None:
    """Delete what is kept in an object store. What is kept in the database goes with the tenant."""
    async for page in ledger_pages(services.store, tenant, after=0, upto=events):
        for event in page:
            if event.type in WITH_CONTENT and (digest := digest_in(event.data)):
                await services.bodies.delete(tenant, digest)
