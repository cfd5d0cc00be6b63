"""The command line's work with views: it derives them anew, and proves that they match the ledger."""

from collections.abc import Sequence

from api.bootstrap import open_services, rebuilding
from api.cli.maintenance import InvalidArgument, tenants_of
from api.cli.terminal.progress import progress
from api.cli.terminal.tables import printable
from api.server.gc import BATCH_ALLOCATIONS, collect_less_often
from api.services import Services
from application.privacy.legible import why_unreadable
from application.transparency.audit.findings import view_damages
from application.views.proof import Finding, ViewProof
from application.views.upkeep.rebuild import Rebuilding, Show
from domain.errors import ViewStopped
from domain.values import TenantName

MOST_FINDINGS = 100
"""How many findings of a view are printed. Of the others, only the number is printed."""


async def rebuild(dsn: str, views: Sequence[str], only_tenant: str | None) -> None:
    """Derive views anew from the ledger, and replace the live ones by them.

    Raises InvalidArgument, TenantNotFound, ViewStopped.
    """
    collect_less_often(BATCH_ALLOCATIONS)
    async with open_services(dsn, as_owner=True) as services:
        work = rebuilding(dsn, services, as_owner=True)
        names = _known(work, views)
        with progress() as begin:
            for tenant in await tenants_of(services, only_tenant):
                await work.rebuild(tenant, names, begin(tenant))
                print(f"{tenant}: {', '.join(names)} rebuilt")


async def verify_views(dsn: str, only_tenant: str | None) -> bool:
    """Derive every view anew and compare it with the live one row by row; return whether all of them agree.

    Raises TenantNotFound.
    """
    async with open_services(dsn) as services:
        work = rebuilding(dsn, services)
        with progress() as begin:
            agreed = [
                await _verify(services, work, tenant, begin(tenant))
                for tenant in await tenants_of(services, only_tenant)
            ]
    return all(agreed)


async def _verify(services: Services, work: Rebuilding, tenant: TenantName, show: Show) -> bool:
    """Print how a tenant's views compare; return whether they agree with the ledger."""
    try:
        return await _compare(services, work, tenant, show)
    except ViewStopped as stopped:
        # The other ledgers can still be compared.
        print(printable(f"{tenant}: {stopped}"))
        return False


async def _compare(services: Services, work: Rebuilding, tenant: TenantName, show: Show) -> bool:
    proof = ViewProof(services.store, services.time_travel)
    head, counts = await services.store.head(tenant), []
    async with work.compared(tenant, work.names, show) as compared:
        for damage in view_damages(compared.ahead, tenant):
            print(f"{tenant}: {damage.what}")
        for view in work.names:
            count = 0
            async for difference in compared.differences(view):
                count += 1
                if count <= MOST_FINDINGS:
                    print(f"{tenant}: {_text(await proof.finding(tenant, difference))}")
            if count > MOST_FINDINGS:
                print(f"{tenant}: {view}: {count - MOST_FINDINGS} more")
            print(f"{tenant}: {_judgement(view, count, compared.positions[view], head)}")
            counts.append(count)
    return not any(counts) and not compared.ahead


def _judgement(view: str, count: int, position: int, head: int) -> str:
    """Return the result for a view, and how much of the ledger it covers."""
    made_of = f"what events 1 to {position} make of it" + (f", {head - position} behind" if position < head else "")
    differ = "1 row differs" if count == 1 else f"{count} rows differ"
    return f"{view} is not {made_of}: {differ}" if count else f"{view} is {made_of}"


def _text(finding: Finding) -> str:
    event = finding.event
    about = f"{event.type} {event.event_id} at position {event.position}" if event else "no event"
    why = why_unreadable(event) if event else None
    unread = f", which cannot be read: {why}" if why else ""
    return f"{finding.view}: {finding.key} {finding.what}: {about}{unread}"


def _known(work: Rebuilding, views: Sequence[str]) -> tuple[str, ...]:
    """Return the named views, or all of them. Raises InvalidArgument."""
    names = tuple(dict.fromkeys(views or work.names))
    if unknown := set(names) - set(work.names):
        raise InvalidArgument(f"There is no view {', '.join(sorted(unknown))}; there are {', '.join(work.names)}")
    return names
