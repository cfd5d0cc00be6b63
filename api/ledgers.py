"""What the command line does with ledgers: proves them, and changes the keys that sign for them."""

from collections.abc import Sequence

from api.bootstrap import Services, open_services
from api.brought import printable, published_keys, what_it_proved
from api.maintenance import tenants_of
from api.progress import progress
from application.transparency.keys import identity, new_signing_key
from application.transparency.note import Verifier
from application.transparency.verification import Show, Verified
from domain.values import TenantName


async def verify_ledgers(dsn: str, only_tenant: str | None, keys: Sequence[str] = (), held: Sequence[str] = ()) -> bool:
    """Compute the trees of ledgers again and compare them with all that was signed; return whether all are whole.

    held are checkpoints from elsewhere, which the ledger has to continue; one of keys, if there are any, has to have
    signed them, and the newest checkpoint.

    Raises TenantNotFound, InvalidNote if a key is none.
    """
    trusted = published_keys(keys)
    async with open_services(dsn) as services:
        with progress() as begin:
            found = [
                await _verify(services, tenant, begin(tenant), trusted, held)
                for tenant in await tenants_of(services, only_tenant)
            ]
    return all(found)


async def _verify(
    services: Services, tenant: TenantName, show: Show, trusted: Sequence[Verifier], held: Sequence[str]
) -> bool:
    verified = await services.verification.verify(tenant, show, trusted=trusted, held=held)
    print(printable(f"{tenant}: {_judgement(verified)}"))
    if verified.damage is not None:
        return False
    for line in what_it_proved(trusted, held, is_signed=verified.checkpoints > 0):
        print(line)
    return True


def _judgement(verified: Verified) -> str:
    """Return what was found of a ledger, in one line."""
    if verified.damage is not None:
        position, what = verified.damage
        return f"DAMAGED: {what}" if position is None else f"DAMAGED at position {position}: {what}"
    whole = f"{verified.events} events are whole and in order"
    if not verified.checkpoints:
        return f"{whole}; nothing was signed of them yet"
    return f"{whole}; {verified.checkpoints} signed checkpoints, the last of {verified.sealed} events, agree"


async def rotate_signing_key(dsn: str) -> str:
    """Add a key that checkpoints are signed with from now on, beside those that are not retired.

    Return its public half.
    """
    async with open_services(dsn) as services:
        await identity(services.signing_keys, TenantName(""))
        key = new_signing_key()
        await services.signing_keys.add_signing_key(key)
    return key.public_key.hex()


async def retire_signing_keys(dsn: str) -> int:
    """Destroy the private halves of all signing keys but the newest; what they signed stays verifiable.

    Return how many these were.
    """
    async with open_services(dsn) as services:
        return await services.signing_keys.retire_signing_keys()
