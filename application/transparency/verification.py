"""Verification: a ledger's tree is computed again from its events, and compared with all that is kept as signed."""

import asyncio
import itertools
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing, suppress
from datetime import datetime
from typing import NamedTuple, Protocol

from application.ledger import EventStore
from application.transparency.checkpoint import Checkpoint
from application.transparency.held import Held, NotContinued
from application.transparency.keys import SigningKeyStore, identity
from application.transparency.leaves import PAGE_BYTES, HashedHere, LeafSource
from application.transparency.note import InvalidNote, Verifier
from application.transparency.proofs import TreeReader
from application.transparency.tiles import HASH, WIDTH, Edge, Leaves, Tile, hashes_in
from domain.errors import InvalidEvent
from domain.values import TenantName

Show = Callable[[int, int], None]
"""Is told how many events were checked, and of how many."""
PAGE = 40 * WIDTH
_NOTES = 500
_AHEAD = 2
"""How many pages are computed while one is checked: more than one core can be at it."""


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


class LedgerScan(TreeReader, LeafSource, Protocol):
    """A ledger from end to end, and what was signed of it."""

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

    async def verify(
        self, tenant: TenantName, show: Show, *, trusted: Sequence[Verifier] = (), held: Sequence[str] = ()
    ) -> Verified:
        """Check a tenant's ledger from end to end. Raises TenantNotFound.

        held are checkpoints from elsewhere, which the ledger has to continue. trusted: one of these keys has to have
        signed them, and the newest checkpoint that is kept; none means any key of the installation. Who brings any of
        this does not believe the database, so events are hashed here, which takes longer.
        """
        known = await identity(self._keys, tenant)
        verifiers = [*trusted, *known.verifiers]
        leaves = HashedHere(self._store) if trusted or held else self._scan
        try:
            walk = _Walk(self._scan, leaves, tenant, verifiers, Held(held, known.origin, trusted or verifiers))
        except NotContinued as wrong:
            return Verified(0, 0, 0, Damage(wrong.position, str(wrong)))
        damage = None
        streams = asyncio.create_task(self._streams(tenant))  # beside the walk: it is the database's work alone
        try:
            await walk.through(await self._store.head(tenant), show)
            walk.check_signer(trusted)
            await streams
            await self._head(tenant, walk.edge.size)
        except _Broken as broken:
            damage = broken.damage
        except NotContinued as wrong:
            damage = Damage(wrong.position, str(wrong))
        except InvalidEvent:
            damage = await self._unreadable(tenant, walk.edge.size)
        finally:
            streams.cancel()
            await asyncio.gather(streams, return_exceptions=True)  # of two findings the walk's is told
        return Verified(walk.edge.size, walk.sealed, walk.checkpoints, damage)

    async def _unreadable(self, tenant: TenantName, after: int) -> Damage:
        """Find the event that has what no event can have, such as a time after the year 9999."""
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
            raise _Broken(position, f"version {version} of {stream} {follows}")

    async def _head(self, tenant: TenantName, size: int) -> None:
        # Asked again, once all events were seen: they may be more than there were at first.
        if (head := await self._store.head(tenant)) < size:
            raise _Broken(head + 1, f"the ledger's head is {head}, before this event")


class _Walk:
    """One pass over a ledger. Only a page that is found wrong is looked at event by event."""

    def __init__(
        self, scan: LedgerScan, leaves: LeafSource, tenant: TenantName, verifiers: Sequence[Verifier], held: Held
    ) -> None:
        self._scan, self._leaves, self._tenant, self._verifiers, self._held = scan, leaves, tenant, verifiers, held
        self.edge = Edge(0, {})
        self.sealed = 0
        self._last_note: str | None = None
        self._signed = 0
        self.checkpoints = 0
        self._notes: list[tuple[int, str]] = []
        self._last_time: datetime | None = None

    async def through(self, head: int, show: Show) -> None:
        """Check every event and every checkpoint. Raises _Broken at the first that is wrong, or NotContinued."""
        self._held.compare(0, self.edge.root())
        # Asked before: what is appended and sealed meanwhile is for the next verification.
        newest = await self._scan.newest_note(self._tenant)
        with suppress(InvalidNote):  # it is found where it stands, after the events that it is of
            self._signed = Checkpoint.verified(newest, self._verifiers).size if newest else 0
        await self._next_notes()
        async with aclosing(self._pages()) as pages:
            async for page in pages:
                await self._check(page)
                show(self.edge.size, max(head, self.edge.size))
        await self._end(head)

    async def _pages(self) -> AsyncGenerator[Leaves]:
        """Yield the whole ledger; the next pages are computed by the database while one is checked."""
        reading: deque[asyncio.Task[Leaves]] = deque()
        try:
            for after in itertools.count(0, PAGE):
                # Where there are no gaps, positions tell where the next page begins; gaps end it all.
                page = self._leaves.leaves(self._tenant, after=after or None, limit=PAGE)
                reading.append(asyncio.create_task(page))
                if len(reading) > _AHEAD:
                    leaves = await reading.popleft()
                    if leaves.size:
                        yield leaves
                    if leaves.size < PAGE:  # what is appended from now on is for the next verification
                        return
        finally:
            for task in reading:
                task.cancel()
            await asyncio.gather(*reading, return_exceptions=True)  # what is wrong with the first was told

    async def _check(self, page: Leaves) -> None:
        """Check what begins a tile, and add it to the tree."""
        start = self.edge.size
        tiles = [Tile(0, start // WIDTH + n) for n in range(len(page.hashes) // (WIDTH * HASH) + 1)]
        known = await self._tiles(tiles)
        sealed = b"".join(_unbroken(known.get(tile, b"") for tile in tiles))
        comes_after = self._last_time is None or (page.first_time is not None and page.first_time >= self._last_time)
        if not (page.follow(start) and _agree(page.hashes, sealed) and page.are_in_time and comes_after):
            await self._find_what_is_wrong(sealed)
        self._last_time = page.last_time
        for size in iter(self._next_size, None):
            if size > start + page.size:
                break
            self.edge.add(page.hashes[(self.edge.size - start) * HASH : (size - start) * HASH])
            self._held.compare(size, self.edge.root())
            if self._notes and self._notes[0][0] == size:
                await self._checkpoint()
        self.edge.add(page.hashes[(self.edge.size - start) * HASH :])
        await self._compare_tiles()

    def _next_size(self) -> int | None:
        """Return the size that the next checkpoint is of, among those that are kept and those that are held."""
        sizes = [size for size, _ in self._notes[:1]] + [self._held.next_size]
        return min((size for size in sizes if size is not None), default=None)

    async def _find_what_is_wrong(self, sealed: bytes) -> None:
        start, last_time = self.edge.size, self._last_time
        leaves = await self._leaves.leaves_one_by_one(self._tenant, after=start or None, limit=PAGE)
        for at, leaf in enumerate(leaves):
            expected, sealed_here = start + 1 + at, sealed[at * HASH : (at + 1) * HASH]
            if leaf.position != expected:
                raise _Broken(expected, f"it is missing: the next event there is has position {leaf.position}")
            if sealed_here and sealed_here != leaf.hash:
                raise _Broken(expected, "the event is not the one that was sealed here")
            if last_time is not None and leaf.recorded_at < last_time:
                raise _Broken(expected, "it was recorded before the event that precedes it")
            last_time = leaf.recorded_at
        raise _Broken(start + 1, "here begins a page that was changed while it was read")

    async def _checkpoint(self) -> None:
        size, note = self._notes.pop(0)
        if self._verified(size, note).root != self.edge.root():
            raise _Broken(size, f"events 1 to {size} are not those whose root was signed")
        self.sealed, self.checkpoints, self._last_note = size, self.checkpoints + 1, note
        if not self._notes:
            await self._next_notes()

    def _verified(self, size: int, note: str) -> Checkpoint:
        """Return the checkpoint that is kept for this size."""
        try:
            checkpoint = Checkpoint.verified(note, self._verifiers)
        except InvalidNote as invalid:
            raise _Broken(None, f"the checkpoint of {size} events is not one: {invalid}") from invalid
        if (checkpoint.origin, checkpoint.size) != (self._held.origin, size):
            raise _Broken(None, f"the checkpoint of {size} events is that of {checkpoint.size} of {checkpoint.origin}")
        return checkpoint

    async def _next_notes(self) -> None:
        self._notes = await self._scan.notes(self._tenant, after=self.edge.size, limit=_NOTES)

    async def _compare_tiles(self) -> None:
        """Compare what proofs are made of with what it has to be."""
        computed = self.edge.changed()
        kept = await self._tiles(computed)
        for tile, hashes in computed.items():
            sealed, which = kept.get(tile, b""), f"tile {tile.number} of level {tile.level}, which proofs are made of,"
            if not _agree(hashes, sealed):
                raise _Broken(None, f"{which} is another")
            if len(sealed) < min(hashes_in(tile, self._signed) * HASH, len(hashes)):
                raise _Broken(None, f"{which} is missing, or ends too early")

    async def _tiles(self, wanted: Iterable[Tile]) -> Mapping[Tile, bytes]:
        return await self._scan.tiles(self._tenant, list(wanted))

    async def _end(self, head: int) -> None:
        """Check that the ledger ends where it said, and that nothing was sealed beyond."""
        size = self.edge.size
        if size < head:
            raise _Broken(size + 1, f"it is missing, and so is all that follows: the ledger's head is {head}")
        if self._signed > size:
            raise _Broken(size + 1, f"it is missing, and so is all that follows: {self._signed} events were sealed")
        for beyond in self._notes:  # was signed meanwhile, or is kept for more events than there ever were
            self._verified(*beyond)
        self._held.end(size)
        last = Tile(0, size // WIDTH)
        is_sealed = len((await self._tiles([last])).get(last, b"")) > size % WIDTH * HASH
        if is_sealed and not (await self._leaves.leaves(self._tenant, after=size, limit=1)).size:
            raise _Broken(size + 1, "it is missing: a leaf was sealed here")

    def check_signer(self, trusted: Sequence[Verifier]) -> None:
        """Check that one of these keys, if there are any, signed the last checkpoint that agreed. Raises _Broken."""
        if not (trusted and self.edge.size):
            return
        if self._last_note is None:
            raise _Broken(None, "there is no checkpoint, so none that the key that you gave has signed")
        try:
            Checkpoint.verified(self._last_note, trusted)
        except InvalidNote as invalid:
            raise _Broken(None, f"the newest checkpoint: {invalid}") from invalid


def _unbroken(tiles: Iterable[bytes]) -> Iterator[bytes]:
    """Yield tiles up to the first that is not full: what follows a gap stands elsewhere."""
    for hashes in tiles:
        yield hashes
        if len(hashes) < WIDTH * HASH:
            return


def _agree(some: bytes, others: bytes) -> bool:
    """Whether these are equal as far as both go."""
    return some.startswith(others) or others.startswith(some)
