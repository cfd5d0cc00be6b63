"""The command line's work with ledgers: it proves them, and changes the keys that sign for them."""

from collections.abc import Sequence

from api.bootstrap import open_repair, open_services
from api.cli.files.trusted_keys import published_keys, trust_lines
from api.cli.maintenance import tenants_of
from api.cli.readability import unreadable_lines
from api.cli.terminal.progress import progress
from api.cli.terminal.tables import printable
from api.services import Services
from application.transparency.audit.findings import Damage
from application.transparency.audit.repair import Repaired
from application.transparency.audit.verification import Verified
from application.transparency.audit.walk import Show
from application.transparency.keys import new_signing_key
from application.transparency.note import Verifier
from domain.errors import TenantNotFound
from domain.values import TenantName


async def verify_ledgers(
    dsn: str,
    only_tenant: str | None,
    keys: Sequence[str] = (),
    held: Sequence[str] = (),
    *,
    opens_all: bool = False,
    bodies_url: str | None = None,
) -> bool:
    """Compute the trees of ledgers again and compare them with everything that was signed; return whether all are
    intact.

    held are checkpoints from elsewhere, which the ledger must continue. If keys are given, one of them must have signed
    these and the newest checkpoint. With opens_all, all encrypted data is opened too. Raises TenantNotFound. Raises
    CannotCheck if a key or a checkpoint is malformed, or belongs to another ledger.
    """
    trusted = published_keys(keys)
    async with open_services(dsn, bodies_url=bodies_url) as services:
        with progress() as begin:
            found = [
                await _verify(services, tenant, begin(tenant), trusted, held, opens_all=opens_all)
                for tenant in await tenants_of(services, only_tenant)
            ]
    return all(found)


async def _verify(
    services: Services,
    tenant: TenantName,
    show: Show,
    trusted: Sequence[Verifier],
    held: Sequence[str],
    *,
    opens_all: bool,
) -> bool:
    """Print the findings about a ledger; return whether it is intact and can be read."""

    def tell(damage: Damage) -> None:
        where = "" if damage.position is None else f" at position {damage.position}"
        print(printable(f"{tenant}: DAMAGED{where}: {damage.what}"))

    try:
        verified = await services.verification.verify(tenant, show, trusted=trusted, held=held, tell=tell)
    except TenantNotFound:  # the tenant exists: its damage must not hide the other tenants
        tell(Damage(None, "there is no ledger of this tenant"))
        return False
    if verified.damage is None:
        print(f"{tenant}: {_judgement(verified)}")
    if (stopped := await services.verification.stopped(tenant)) is not None:
        print(printable(f"{tenant}: sealing has stopped: {stopped}; run ordertrail repair tiles --tenant {tenant}"))
    is_readable = True
    async for line in unreadable_lines(services, tenant, verified, show, opens_all=opens_all):
        is_readable = False
        print(printable(f"{tenant}: {line}"))
    if verified.damage is not None:
        return False
    for line in trust_lines(trusted, held, is_signed=verified.checkpoints > 0):
        print(line)
    return is_readable


def _judgement(verified: Verified) -> str:
    """Return the result for an intact ledger, in one line."""
    whole = f"{verified.events} events are whole and in order"
    if not verified.checkpoints:
        return f"{whole}; none of them is signed yet"
    return f"{whole}; {verified.checkpoints} signed checkpoints, the last of {verified.sealed} events, agree"


async def repair_tiles(dsn: str, tenant: str) -> Repaired:
    """Derive the tiles of a ledger's tree again from its events. Raises CannotRepair, TenantNotFound."""
    async with open_repair(dsn) as work:
        with progress() as begin:
            return await work.repair(TenantName(tenant), begin(tenant))


def repair_text(repaired: Repaired) -> str:
    """Return the result of repairing a ledger's tree, in one line."""
    under = f"the tree is that of {repaired.sealed} events under {repaired.checkpoints} signed checkpoints"
    done = [f"{repaired.replaced} tiles replaced", f"{repaired.removed} removed"]
    if repaired.noted_size != repaired.sealed:
        done.append(f"it was noted to have {repaired.noted_size} leaves")
    if repaired.error is not None:
        done.append("sealing goes on")
    return f"{under}: {', '.join(done)}"


async def rotate_signing_key(dsn: str) -> str:
    """Add a key that signs checkpoints from now on, beside those that are not retired.

    Return its public half.
    """
    async with open_services(dsn, as_owner=True) as services:
        key = new_signing_key()
        await services.signing_keys.add_signing_key(key)
    return key.public_key.hex()


async def retire_signing_keys(dsn: str) -> int:
    """Destroy the private halves of all signing keys but the newest. Their signatures can still be verified.

    Return how many were destroyed.
    """
    async with open_services(dsn, as_owner=True) as services:
        return await services.signing_keys.retire_signing_keys()
