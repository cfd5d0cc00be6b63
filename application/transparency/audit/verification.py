"""Verification: a ledger's tree is computed again from its events, and compared with all that is kept of it."""

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple

from application.ledger.port import EventStore
from application.transparency.audit.findings import Damage, record_damages, view_damages
from application.transparency.audit.trusted_checkpoints import Held, NotContinued
from application.transparency.audit.walk import PAGE, Broken, LedgerScan, Show, Walk
from application.transparency.keys import Identity, SigningKeyStore, identity
from application.transparency.leaves import PAGE_BYTES, HashedHere
from application.transparency.note import Verifier
from domain.errors import InvalidEvent
from domain.values import TenantName

Tell = Callable[[Damage], None]
"""Takes one damage."""


class Verified(NamedTuple):
    """The result for one ledger, with its first damage, if there is any."""

    events: int
    sealed: int
    checkpoints: int
    damage: Damage | None


def _tell_nobody(_damage: Damage) -> None:
    """Do nothing: the first damage is returned anyway."""


class Verification:
    """Proves ledgers in constant memory. It trusts nothing that it can check."""

    def __init__(self, scan: LedgerScan, keys: SigningKeyStore, store: EventStore) -> None:
        self._scan = scan
        self._keys = keys
        self._store = store

    async def verify(
        self,
        tenant: TenantName,
        show: Show,
        *,
        trusted: Sequence[Verifier] = (),
        held: Sequence[str] = (),
        tell: Tell = _tell_nobody,
    ) -> Verified:
        """Check a tenant's ledger from end to end, and report all damage.

        Damage to events is reported first, as far as the events can be followed. Raises TenantNotFound. Raises
        CannotCheck if held or trusted do not belong to this ledger, and nothing else is wrong.

        held are checkpoints from elsewhere, which the ledger must continue. If keys are trusted, one of them must have
        signed these and the newest kept checkpoint; if none is, any key of the installation may have. A caller who
        gives held or trusted does not trust the database, so the events are hashed here, which takes longer.
        """
        known = await identity(self._keys, tenant)
        verifiers = [*trusted, *known.verifiers]
        leaves = HashedHere(self._store) if trusted or held else self._scan
        try:
            walk = Walk(self._scan, leaves, tenant, verifiers, Held(held, known.origin, trusted or verifiers))
        except NotContinued as wrong:
            tell(damage := Damage(wrong.position, str(wrong)))
            return Verified(0, 0, 0, damage)
        ended_by = await self._walked(tenant, walk, show)
        # Nothing is known about tiles beyond the events that could be followed and are sealed.
        tiles = walk.wrong_tiles(upto=None if ended_by is None else walk.sealed)
        beside = await self._beside(tenant, known)
        damages = [*walk.false_notes, *([ended_by] if ended_by else []), *tiles, *beside]
        if not damages:
            damages += _signed_falsely(walk, trusted)
        damages.sort(key=lambda damage: damage.position is None)
        for damage in damages:
            tell(damage)
        return Verified(walk.edge.size, walk.sealed, walk.checkpoints, next(iter(damages), None))

    async def stopped(self, tenant: TenantName) -> str | None:
        """Return why sealing of a ledger has stopped; None if it has not."""
        return await self._scan.stopped(tenant)

    async def _walked(self, tenant: TenantName, walk: Walk, show: Show) -> Damage | None:
        """Walk through a ledger; return what ended the walk early, or otherwise what is wrong with its streams."""
        streams = asyncio.create_task(self._streams(tenant))  # beside the walk: this is work for the database alone
        try:
            await walk.through(await self._store.head(tenant), show)
            await streams
            await self._head(tenant, walk.edge.size)
        except Broken as broken:
            return broken.damage
        except NotContinued as wrong:
            return Damage(wrong.position, str(wrong))
        except InvalidEvent:
            return await self._unreadable(tenant, walk.edge.size)
        finally:
            streams.cancel()
            await asyncio.gather(streams, return_exceptions=True)  # of two findings, the walk's is reported
        return None

    async def _beside(self, tenant: TenantName, known: Identity) -> list[Damage]:
        """Return the damage to what is kept beside events and hashes."""
        kept, views = await self._scan.kept(tenant), await self._scan.views_ahead(tenant)
        return [*(record_damages(kept, known) if kept else ()), *view_damages(views, tenant)]

    async def _unreadable(self, tenant: TenantName, after: int) -> Damage:
        """Find the event with a value that no event can have, such as a time after the year 9999."""
        limit = PAGE
        while True:
            try:
                page = await self._store.read_ledger(tenant, after=after, limit=limit, max_bytes=PAGE_BYTES)
            except InvalidEvent as invalid:
                if limit == 1:
                    return Damage(after + 1, f"the event cannot be read: {invalid.__cause__ or invalid}")
                limit //= 2
            else:
                if not page:
                    return Damage(None, "an event before the first cannot be read")
                after = page[-1].position

    async def _streams(self, tenant: TenantName) -> None:
        if (broken := await self._scan.first_broken_stream(tenant)) is not None:
            position, stream, version, before = broken
            follows = "is its first" if before is None else f"follows version {before}, or stands before it"
            raise Broken(position, f"version {version} of {stream} {follows}")

    async def _head(self, tenant: TenantName, size: int) -> None:
        # Read the head again after all events were seen: there may be more events than at first.
        if (head := await self._store.head(tenant)) < size:
            raise Broken(head + 1, f"the ledger's head is {head}, before this event")


def _signed_falsely(walk: Walk, trusted: Sequence[Verifier]) -> list[Damage]:
    """Return a damage if a signature by one of these keys is false. Raises CannotCheck if none of them signed."""
    try:
        walk.check_signer(trusted)
    except Broken as broken:
        return [broken.damage]
    return []
