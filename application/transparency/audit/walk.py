"""One pass over a ledger: its tree is computed again, and compared with all that is kept of it."""

import asyncio
import itertools
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing, suppress
from datetime import datetime
from typing import NamedTuple, Protocol

from application.transparency.audit.findings import Damage, KeptRecord, tile_name
from application.transparency.audit.trusted_checkpoints import Held
from application.transparency.checkpoint import Checkpoint, KeptNote
from application.transparency.leaves import LeafSource
from application.transparency.note import CannotCheck, InvalidNote, NotSigned, Verifier
from application.transparency.proofs import TreeReader
from application.transparency.tiles import HASH, WIDTH, Edge, Leaves, Tile, hashes_in
from application.views.upkeep.projector import ViewAhead
from domain.values import TenantName

Show = Callable[[int, int], None]
"""Is told how many events were checked, and of how many."""
PAGE = 40 * WIDTH
_FULL = WIDTH * HASH
_NOTES = 500
_AHEAD = 2
"""How many pages are computed while one is checked: more than one core can be at it."""
_TILES = 20
"""How many tiles are named; of the rest only how many there are."""


class LedgerScan(TreeReader, LeafSource, Protocol):
    """A ledger from end to end, and what was signed of it."""

    async def first_broken_stream(self, tenant: TenantName) -> tuple[int, str, int, int | None] | None:
        """Return position, stream, version and the version before of the first event out of its stream's order."""

    async def notes(self, tenant: TenantName, *, after: int, limit: int) -> list[KeptNote]:
        """Return signed checkpoints in order of their sizes, those larger than after."""

    async def kept(self, tenant: TenantName) -> KeptRecord | None:
        """Return what is kept of a tree beside its hashes; None if there is no such ledger."""

    async def views_ahead(self, tenant: TenantName) -> list[ViewAhead]:
        """Return the views whose checkpoints are beyond the ledger's head, or were so once."""


class Broken(Exception):
    """Carries the damage that ends a pass: what follows cannot be told from it."""

    def __init__(self, position: int | None, what: str) -> None:
        self.damage = Damage(position, what)
        super().__init__(what)


class _WrongTile(NamedTuple):
    """A tile that is not what the events make of it; end is the last of the events that it is of."""

    end: int
    what: str


class Walk:
    """Whether an event or a hash of it is wrong, is told by the next checkpoint that was signed: it is of the events.

    So a wrong tile does not end the pass, nor does a checkpoint that nobody has signed. Only a page that is found wrong
    is looked at event by event.
    """

    def __init__(
        self, scan: LedgerScan, leaves: LeafSource, tenant: TenantName, verifiers: Sequence[Verifier], held: Held
    ) -> None:
        self._scan, self._leaves, self._tenant, self._verifiers, self._held = scan, leaves, tenant, verifiers, held
        self.edge = Edge(0, {})
        self.sealed = 0
        self.checkpoints = 0
        self.false_notes: list[Damage] = []
        self._wrong_tiles: list[_WrongTile] = []
        self._doubts: list[int] = []
        """The positions of events whose leaf is kept with another hash, since the last checkpoint: of an earlier page,
        of which no checkpoint has come, the first is enough.
        """
        self._last_note: str | None = None
        self._signed = 0
        self._notes: list[KeptNote] = []
        self._last_time: datetime | None = None

    async def through(self, head: int, show: Show) -> None:
        """Check every event and every checkpoint. Raises Broken where it cannot go on, or NotContinued."""
        self._held.compare(0, self.edge.root())
        # Asked before: what is appended and sealed meanwhile is for the next verification.
        newest = await self._scan.newest_note(self._tenant)
        with suppress(InvalidNote):  # it is found where it stands, after the events that it is of
            self._signed = self._checked(newest).size if newest else 0
        await self._next_notes()
        async with aclosing(self._pages()) as pages:
            async for page in pages:
                try:
                    await self._check(page)
                finally:
                    # Also where the page is broken: of its first events the tiles may be found wrong all the same.
                    await self._compare_tiles()
                show(self.edge.size, max(head, self.edge.size))
        await self._end(head)

    def wrong_tiles(self, *, upto: int | None = None) -> list[Damage]:
        """Return the tiles that were found wrong; those of the first events only, if upto is given."""
        found = [tile.what for tile in self._wrong_tiles if upto is None or tile.end <= upto]
        more = len(found) - _TILES
        named = [Damage(None, what) for what in found[:_TILES]]
        return [*named, Damage(None, f"{more} more tiles are wrong")] if more > 0 else named

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
        start, hashes, fault = self.edge.size, page.hashes, None
        comes_after = self._last_time is None or (page.first_time is not None and page.first_time >= self._last_time)
        if not (page.follow(start) and page.are_in_time and comes_after):
            hashes, fault = await self._in_order()
        self._last_time = page.last_time
        await self._compare_leaves(hashes)
        for size in iter(self._next_size, None):
            if size > start + len(hashes) // HASH:
                break
            self.edge.add(hashes[(self.edge.size - start) * HASH : (size - start) * HASH])
            self._held.compare(size, self.edge.root())
            if self._notes and self._notes[0].size == size:
                await self._checkpoint()
        self.edge.add(hashes[(self.edge.size - start) * HASH :])
        if fault is not None:
            raise self._changed() or fault

    def _next_size(self) -> int | None:
        """Return the size that the next checkpoint is of, among those that are kept and those that are held."""
        sizes = [note.size for note in self._notes[:1]] + [self._held.next_size]
        return min((size for size in sizes if size is not None), default=None)

    async def _in_order(self) -> tuple[bytes, Broken]:
        """Return the leaves of a page as far as its events are in order, and what follows them."""
        start, last_time, hashes = self.edge.size, self._last_time, bytearray()
        leaves = await self._leaves.leaves_one_by_one(self._tenant, after=start or None, limit=PAGE)
        for expected, leaf in enumerate(leaves, start + 1):
            if leaf.position != expected:
                what = f"it is missing: the next event there is has position {leaf.position}"
                return bytes(hashes), Broken(expected, what)
            if last_time is not None and leaf.recorded_at < last_time:
                return bytes(hashes), Broken(expected, "it was recorded before the event that precedes it")
            last_time = leaf.recorded_at
            hashes += leaf.hash
        return bytes(hashes), Broken(start + 1, "here begins a page that was changed while it was read")

    async def _compare_leaves(self, hashes: bytes) -> None:
        """Note the events of a page whose leaf is kept with another hash."""
        first = self.edge.size // WIDTH
        parts = [hashes[at : at + _FULL] for at in range(0, len(hashes), _FULL)]
        kept = await self._tiles([Tile(0, first + n) for n in range(len(parts))])
        self._doubts = self._doubts[:1]
        for n, part in enumerate(parts, first):
            self._doubts += [n * WIDTH + at + 1 for at in _differences(part, kept.get(Tile(0, n), b""))]

    async def _checkpoint(self) -> None:
        """Compare a checkpoint with the events that it is of. Raises Broken if they are others."""
        kept = self._notes.pop(0)
        try:
            checkpoint = self._checked(kept)
        except InvalidNote as invalid:
            self.false_notes.append(Damage(None, str(invalid)))
        else:
            if checkpoint.root != self.edge.root():
                raise self._changed() or Broken(
                    kept.size, f"events 1 to {kept.size} are not those whose root was signed"
                )
            # The events are right: if a leaf was kept with another hash, it is the hash that is wrong.
            self._doubts = [position for position in self._doubts if position > kept.size]
            self.sealed, self.checkpoints, self._last_note = kept.size, self.checkpoints + 1, kept.note
        if not self._notes:
            await self._next_notes()

    def _changed(self) -> Broken | None:
        """Return what there is to say of the first event that is in doubt, if one is."""
        return Broken(self._doubts[0], "the event is not the one that was sealed here") if self._doubts else None

    def _checked(self, kept: KeptNote) -> Checkpoint:
        return kept.checkpoint(self._held.origin, self._verifiers)

    async def _next_notes(self) -> None:
        self._notes = await self._scan.notes(self._tenant, after=self.edge.size, limit=_NOTES)

    async def _compare_tiles(self) -> None:
        """Compare what proofs are made of with what it has to be."""
        computed = self.edge.changed()
        kept = await self._tiles(computed)
        for tile, hashes in computed.items():
            sealed, needed = kept.get(tile, b""), min(hashes_in(tile, self._signed) * HASH, len(hashes))
            what = f"{tile_name(tile)}, which proofs are made of,"
            end = min((tile.number + 1) * int(WIDTH ** (tile.level + 1)), self.edge.size)
            if not (hashes.startswith(sealed) or (len(hashes) < _FULL and sealed.startswith(hashes))):
                self._wrong_tiles.append(_WrongTile(end, f"{what} is another"))
            elif len(sealed) < needed:
                self._wrong_tiles.append(_WrongTile(end, f"{what} is missing, or ends too early"))

    async def _tiles(self, wanted: Iterable[Tile]) -> Mapping[Tile, bytes]:
        return await self._scan.tiles(self._tenant, list(wanted))

    async def _end(self, head: int) -> None:
        """Check that the ledger ends where it said, and that nothing was sealed beyond."""
        size = self.edge.size
        if size < head:
            raise Broken(size + 1, f"it is missing, and so is all that follows: the ledger's head is {head}")
        if self._signed > size:
            raise Broken(size + 1, f"it is missing, and so is all that follows: {self._signed} events were sealed")
        for beyond in self._notes:  # was signed meanwhile, or is kept for more events than there ever were
            try:
                self._checked(beyond)
            except InvalidNote as invalid:
                self.false_notes.append(Damage(None, str(invalid)))
        self._held.end(size)
        last = Tile(0, size // WIDTH)
        is_sealed = len((await self._tiles([last])).get(last, b"")) > size % WIDTH * HASH
        if is_sealed and not (await self._leaves.leaves(self._tenant, after=size, limit=1)).size:
            raise Broken(size + 1, "it is missing: a leaf was sealed here")
        if self._doubts:
            what = "the event or its hash is not the one that was sealed here: no checkpoint tells which of them it is"
            raise Broken(self._doubts[0], what)

    def check_signer(self, trusted: Sequence[Verifier]) -> None:
        """Check that one of these keys, if there are any, signed the last checkpoint that agreed.

        Raises Broken if a signature of theirs is false, CannotCheck if there is none.
        """
        if not (trusted and self.edge.size):
            return
        if self._last_note is None:
            raise CannotCheck("there is no checkpoint, so none that the key that you gave has signed")
        try:
            Checkpoint.verified(self._last_note, trusted)
        except NotSigned as others:
            raise CannotCheck(f"others have signed the newest checkpoint: {others}") from others
        except InvalidNote as invalid:
            raise Broken(None, f"the newest checkpoint: {invalid}") from invalid


def _differences(hashes: bytes, kept: bytes) -> list[int]:
    """Return the numbers of the hashes that are others, among as many as there are of both."""
    if hashes.startswith(kept) or kept.startswith(hashes):
        return []
    pairs = range(0, min(len(hashes), len(kept)), HASH)
    return [at // HASH for at in pairs if hashes[at : at + HASH] != kept[at : at + HASH]]
