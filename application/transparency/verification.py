"""Verification: a ledger's tree is computed again from its events, and compared with all that was ever signed."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from application.ledger import EventStore
from application.transparency.checkpoint import Checkpoint
from application.transparency.keys import SigningKeyStore, identity
from application.transparency.note import InvalidNote, Verifier
from application.transparency.proofs import TreeReader
from application.transparency.tiles import HASH, WIDTH, Tile
from application.transparency.tree import Frontier
from domain.values import TenantName

Show = Callable[[int, int], None]
"""Is told how many events were checked, and of how many."""
PAGE = 10_000
_NOTES = 500


class Damage(NamedTuple):
    """What is wrong with a ledger first, and where; position is None if it is nowhere among its events."""

    position: int | None
    what: str


class Verified(NamedTuple):
    """What was found of one ledger."""

    events: int
    sealed: int
    checkpoints: int
    damage: Damage | None


class LedgerScan(TreeReader, Protocol):
    """A ledger from end to end, and what was signed of it."""

    async def leaves(
        self, tenant: TenantName, *, after: int | None, limit: int
    ) -> Sequence[tuple[int, bytes, datetime]]:
        """Return positions, leaf hashes computed from the events, and times of recording, in ledger order.

        They begin with the first there is if after is None.
        """

    async def first_broken_stream(self, tenant: TenantName) -> tuple[int, str, int, int | None] | None:
        """Return position, stream, version and the version before of the first event out of its stream's order."""

    async def notes(self, tenant: TenantName, *, after: int, limit: int) -> list[tuple[int, str]]:
        """Return signed checkpoints in order of their sizes, those larger than after."""


class _Broken(Exception):
    """Carries the damage that ends a verification."""

    def __init__(self, position: int | None, what: str) -> None:
        self.damage = Damage(position, what)
        super().__init__(what)


class Verification:
    """Proves ledgers, in constant memory. What it does not need to believe, it does not."""

    def __init__(self, scan: LedgerScan, keys: SigningKeyStore, store: EventStore) -> None:
        self._scan = scan
        self._keys = keys
        self._store = store

    async def verify(self, tenant: TenantName, show: Show) -> Verified:
        """Check a tenant's ledger from end to end. Raises TenantNotFound."""
        known = await identity(self._keys, tenant)
        walk = _Walk(self._scan, tenant, known.origin, known.verifiers)
        damage = None
        try:
            await walk.through(await self._store.head(tenant), show)
            await self._streams(tenant)
        except _Broken as broken:
            damage = broken.damage
        return Verified(walk.frontier.size, walk.sealed, walk.checkpoints, damage)

    async def _streams(self, tenant: TenantName) -> None:
        if (broken := await self._scan.first_broken_stream(tenant)) is not None:
            position, stream, version, before = broken
            follows = "is its first" if before is None else f"follows version {before}, or stands before it"
            raise _Broken(position, f"version {version} of {stream} {follows}")


class _Walk:
    """One pass over a ledger."""

    def __init__(self, scan: LedgerScan, tenant: TenantName, origin: str, verifiers: Sequence[Verifier]) -> None:
        self._scan, self._tenant, self._origin, self._verifiers = scan, tenant, origin, verifiers
        self.frontier = Frontier()
        self.sealed = 0
        self.checkpoints = 0
        self._notes: list[tuple[int, str]] = []
        self._tile = b""

    async def through(self, head: int, show: Show) -> None:
        """Check every event and every checkpoint. Raises _Broken at the first that is wrong."""
        # Asked before: what is appended and sealed meanwhile is for the next verification.
        newest = await self._scan.newest_note(self._tenant)
        last_time: datetime | None = None
        await self._next_notes()
        position: int | None = None
        while page := await self._scan.leaves(self._tenant, after=position, limit=PAGE):
            for position, leaf, recorded_at in page:
                await self._event(position, leaf)
                if last_time is not None and recorded_at < last_time:
                    raise _Broken(position, "it was recorded before the event that precedes it")
                last_time = recorded_at
            show(self.frontier.size, max(head, self.frontier.size))
        await self._end(head, newest)

    async def _event(self, position: int, leaf: bytes) -> None:
        size = self.frontier.size
        if position != size + 1:
            raise _Broken(size + 1, f"it is missing: the next event there is has position {position}")
        if size % WIDTH == 0:
            self._tile = (await self._scan.tiles(self._tenant, [Tile(0, size // WIDTH)])).get(
                Tile(0, size // WIDTH), b""
            )
        start = size % WIDTH * HASH
        if start < len(self._tile) and self._tile[start : start + HASH] != leaf:
            raise _Broken(position, "the event is not the one that was sealed here")
        self.frontier.add(leaf)
        if self._notes and self._notes[0][0] == position:
            await self._checkpoint()

    async def _checkpoint(self) -> None:
        size, note = self._notes.pop(0)
        try:
            checkpoint = Checkpoint.verified(note, self._verifiers)
        except InvalidNote as invalid:
            raise _Broken(None, f"the checkpoint of {size} events is not one: {invalid}") from invalid
        if (checkpoint.origin, checkpoint.size) != (self._origin, size):
            raise _Broken(None, f"the checkpoint of {size} events is that of {checkpoint.size} of {checkpoint.origin}")
        if checkpoint.root != self.frontier.root():
            raise _Broken(size, f"events 1 to {size} are not those whose root was signed")
        self.sealed, self.checkpoints = size, self.checkpoints + 1
        if not self._notes:
            await self._next_notes()

    async def _next_notes(self) -> None:
        self._notes = await self._scan.notes(self._tenant, after=self.frontier.size, limit=_NOTES)

    async def _end(self, head: int, newest: str | None) -> None:
        """Check that the ledger ends where it said, and that nothing was sealed beyond."""
        size = self.frontier.size
        if size < head:
            raise _Broken(size + 1, f"it is missing, and so is all that follows: the ledger's head is {head}")
        signed = Checkpoint.verified(newest, self._verifiers).size if newest else 0
        if signed > size:
            raise _Broken(size + 1, f"it is missing, and so is all that follows: {signed} events were sealed")
        tile = (await self._scan.tiles(self._tenant, [Tile(0, size // WIDTH)])).get(Tile(0, size // WIDTH), b"")
        is_sealed = len(tile) > size % WIDTH * HASH
        if is_sealed and not await self._scan.leaves(self._tenant, after=size, limit=1):
            raise _Broken(size + 1, "it is missing: a leaf was sealed here")
