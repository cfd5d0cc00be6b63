"""What `ordertrail verify` says about unreadable data."""

from collections.abc import AsyncIterator

from api.services import Services
from application.transparency.audit.verification import Verified
from application.views.readability import Show
from domain.values import TenantName

MOST = 100
"""How many keys and how many events are named. Of the others, only the number is printed."""
NEWEST = 10_000
"""How many events are opened in every run, sealed or not. It takes less than a second, whatever the ledger's size."""


async def unreadable_lines(
    services: Services, tenant: TenantName, verified: Verified, show: Show, *, opens_all: bool = False
) -> AsyncIterator[str]:
    """Yield a line for each part of a tenant's data that cannot be read. Call it after its ledger was verified.

    Every key is checked. Sealed and intact events have not changed since they were sealed, so only the newest events
    and the unsealed ones are opened. All events are opened if anything is wrong, or if opens_all is set; then bodies
    are read too.
    """
    is_wrong = verified.damage is not None
    async for line in _first(_damaged_keys(services, tenant)):
        is_wrong = True
        yield line
    after = 0 if is_wrong or opens_all else max(min(verified.sealed, verified.events - NEWEST), 0)
    async for line in _first(_unread_events(services, tenant, show, after=after, with_bodies=opens_all)):
        yield line


async def _damaged_keys(services: Services, tenant: TenantName) -> AsyncIterator[str]:
    async for subject in services.readability.damaged_keys(tenant):
        yield f"DAMAGED key of {subject}: restore its row in ordertrail.subject_keys from a backup"


async def _unread_events(
    services: Services, tenant: TenantName, show: Show, *, after: int, with_bodies: bool
) -> AsyncIterator[str]:
    async for event, why in services.readability.unread(tenant, show, after=after, with_bodies=with_bodies):
        yield f"UNREADABLE at position {event.position}: {event.type} {event.event_id} of {event.stream}: {why}"


async def _first(lines: AsyncIterator[str]) -> AsyncIterator[str]:
    """Yield the first lines, and the number of the others."""
    count = 0
    async for line in lines:
        count += 1
        if count <= MOST:
            yield line
    if count > MOST:
        yield f"… and {count - MOST} more"
