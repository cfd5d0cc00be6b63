"""One pass over a ledger: its tree is computed again, and compared with everything that is kept of it."""

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
"""Takes the number of events checked so far, and the number of all."""
PAGE = 40 * WIDTH
_FULL = WIDTH * HASH
_NOTES = 500
_AHEAD = 2
"""How many pages are computed while one is checked. Several cores can share the work."""
_TILES = 20
"""How many wrong tiles are named. Of the others, only the number is reported."""


class LedgerScan(TreeReader, LeafSource, Protocol):
    """A ledger from end to end, and its checkpoints."""

    async def first_broken_stream(self, tenant: TenantName) -> tuple[int, str, int, int | None] | None:
        """Return position, stream, version and the version before of the first event that breaks its stream's order."""

    async def notes(self, tenant: TenantName, *, after: int, limit: int) -> list[KeptNote]:
        """Return signed checkpoints larger than after, in order of size."""

    async def kept(self, tenant: TenantName) -> KeptRecord | None:
        """Return what is kept of a tree beside its hashes; None if there is no such ledger."""

    async def views_ahead(self, tenant: TenantName) -> list[ViewAhead]:
        """Return the views whose checkpoints are beyond the ledger's head, or were once."""


class Broken(Exception):
    """Ends a pass with the damage that prevents checking the rest."""

    def __init__(self, position: int | None, what: str) -> None:
        self.damage = Damage(position, what)
        super().__init__(what)


class _WrongTile(NamedTuple):
    """A tile that does not match the events; end is the last position that it covers."""

    end: int
    what: str


class Walk:
    """One pass over a ledger. If an event and its kept hash differ, the next signed checkpoint tells which of them is
    wrong.

    So the pass goes on after a wrong tile, and after a checkpoint with a wrong signature. Only a page with an error is
    checked event by event.
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
        """The positions of events whose kept hash differs, since the last checkpoint.

        If a page ends before a checkpoint comes, only the first of its positions is kept.
        """
        self._last_note: str | None = None
        self._signed = 0
        self._notes: list[KeptNote] = []
        self._last_time: datetime | None = None

    async def through(self, head: int, show: Show) -> None:
        """Check every event and every checkpoint. Raises Broken where it cannot go on, or NotContinued."""
        self._held.compare(0, self.edge.root())
        # Read it first: events that are appended and sealed meanwhile are left to the next verification.
        newest = await self._scan.newest_note(self._tenant)
        with suppress(InvalidNote):  # reported when the pass reaches it, after its events
            self._signed = self._checked(newest).size if newest else 0
        await self._next_notes()
        async with aclosing(self._pages()) as pages:
            async for page in pages:
                try:
                    await self._check(page)
                finally:
                    # Also if the page is broken: its first events may still show wrong tiles.
                    await self._compare_tiles()
                show(self.edge.size, max(head, self.edge.size))
        await self._end(head)

    def wrong_tiles(self, *, upto: int | None = None) -> list[Damage]:
        """Return the wrong tiles; with upto, only those of the events up to it."""
        found = [tile.what for tile in self._wrong_tiles if upto is None or tile.end <= upto]
        more = len(found) - _TILES
        named = [Damage(None, what) for what in found[:_TILES]]
        return [*named, Damage(None, f"{more} more tiles are wrong")] if more > 0 else named

    async def _pages(self) -> AsyncGenerator[Leaves]:
        """Yield the whole ledger. The database computes the next pages while one is checked."""
        reading: deque[asyncio.Task[Leaves]] = deque()
        try:
            for after in itertools.count(0, PAGE):
                # Without gaps, positions tell where the next page begins. A gap ends the pass.
                page = self._leaves.leaves(self._tenant, after=after or None, limit=PAGE)
                reading.append(asyncio.create_task(page))
                if len(reading) > _AHEAD:
                    leaves = await reading.popleft()
                    if leaves.size:
                        yield leaves
                    if leaves.size < PAGE:  # later events are left to the next verification
                        return
        finally:
            for task in reading:
                task.cancel()
            await asyncio.gather(*reading, return_exceptions=True)  # the first error was already reported

    async def _check(self, page: Leaves) -> None:
        """Check the beginning of a tile, and add the page to the tree."""
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
        """Return the size of the next checkpoint, kept or held."""
        sizes = [note.size for note in self._notes[:1]] + [self._held.next_size]
        return min((size for size in sizes if size is not None), default=None)

    async def _in_order(self) -> tuple[bytes, Broken]:
        """Return the leaves of a page's events up to the first that is out of order, and the damage there."""
        start, last_time, hashes = self.edge.size, self._last_time, bytearray()
        leaves = await self._leaves.leaves_one_by_one(self._tenant, after=start or None, limit=PAGE)
        for expected, leaf in enumerate(leaves, start + 1):
            if leaf.position != expected:
                what = f"it is missing: the next event has position {leaf.position}"
                return bytes(hashes), Broken(expected, what)
            if last_time is not None and leaf.recorded_at < last_time:
                return bytes(hashes), Broken(expected, "it has an earlier time of recording than the event before it")
            last_time = leaf.recorded_at
            hashes += leaf.hash
        return bytes(hashes), Broken(start + 1, "the page that begins here was changed while it was read")

    async def _compare_leaves(self, hashes: bytes) -> None:
        """Note the events of a page whose kept hash differs."""
        first = self.edge.size // WIDTH
        parts = [hashes[at : at + _FULL] for at in range(0, len(hashes), _FULL)]
        kept = await self._tiles([Tile(0, first + n) for n in range(len(parts))])
        self._doubts = self._doubts[:1]
        for n, part in enumerate(parts, first):
            self._doubts += [n * WIDTH + at + 1 for at in _differences(part, kept.get(Tile(0, n), b""))]

    async def _checkpoint(self) -> None:
        """Compare a checkpoint with its events. Raises Broken if they do not match."""
        kept = self._notes.pop(0)
        try:
            checkpoint = self._checked(kept)
        except InvalidNote as invalid:
            self.false_notes.append(Damage(None, str(invalid)))
        else:
            if checkpoint.root != self.edge.root():
                raise self._changed() or Broken(
                    kept.size, f"events 1 to {kept.size} do not have the root that was signed"
                )
            # The events are right, so a kept hash that differs is the one that is wrong.
            self._doubts = [position for position in self._doubts if position > kept.size]
            self.sealed, self.checkpoints, self._last_note = kept.size, self.checkpoints + 1, kept.note
        if not self._notes:
            await self._next_notes()

    def _changed(self) -> Broken | None:
        """Return the damage to report for the first event in doubt, if there is one."""
        return Broken(self._doubts[0], "the event differs from the one that was sealed here") if self._doubts else None

    def _checked(self, kept: KeptNote) -> Checkpoint:
        return kept.checkpoint(self._held.origin, self._verifiers)

    async def _next_notes(self) -> None:
        self._notes = await self._scan.notes(self._tenant, after=self.edge.size, limit=_NOTES)

    async def _compare_tiles(self) -> None:
        """Compare the tiles, from which proofs are made, with the computed ones."""
        computed = self.edge.changed()
        kept = await self._tiles(computed)
        for tile, hashes in computed.items():
            sealed, needed = kept.get(tile, b""), min(hashes_in(tile, self._signed) * HASH, len(hashes))
            what = f"{tile_name(tile)}, which proofs are made of,"
            end = min((tile.number + 1) * int(WIDTH ** (tile.level + 1)), self.edge.size)
            if not (hashes.startswith(sealed) or (len(hashes) < _FULL and sealed.startswith(hashes))):
                self._wrong_tiles.append(_WrongTile(end, f"{what} differs from the ledger"))
            elif len(sealed) < needed:
                self._wrong_tiles.append(_WrongTile(end, f"{what} is missing, or ends too early"))

    async def _tiles(self, wanted: Iterable[Tile]) -> Mapping[Tile, bytes]:
        return await self._scan.tiles(self._tenant, list(wanted))

    async def _end(self, head: int) -> None:
        """Check that the ledger ends at its head, and that nothing beyond it was sealed."""
        size = self.edge.size
        if size < head:
            raise Broken(size + 1, f"it is missing, and so is all that follows: the ledger's head is {head}")
        if self._signed > size:
            raise Broken(size + 1, f"it is missing, and so is all that follows: {self._signed} events were sealed")
        for beyond in self._notes:  # signed meanwhile, or kept for more events than there ever were
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
            what = "the event or its kept hash was changed after it was sealed: no checkpoint tells which of the two"
            raise Broken(self._doubts[0], what)

    def check_signer(self, trusted: Sequence[Verifier]) -> None:
        """Check that one of these keys, if there are any, signed the last checkpoint that agreed.

        Raises Broken if one of their signatures is false, CannotCheck if there is none.
        """
        if not (trusted and self.edge.size):
            return
        if self._last_note is None:
            raise CannotCheck("there is no checkpoint, so the key that you gave has signed none")
        try:
            Checkpoint.verified(self._last_note, trusted)
        except NotSigned as others:
            raise CannotCheck(f"the newest checkpoint is signed with other keys: {others}") from others
        except InvalidNote as invalid:
            raise Broken(None, f"the newest checkpoint: {invalid}") from invalid


def _differences(hashes: bytes, kept: bytes) -> list[int]:
    """Return the indexes at which the hashes differ, as far as both go."""
    if hashes.startswith(kept) or kept.startswith(hashes):
        return []
    pairs = range(0, min(len(hashes), len(kept)), HASH)
    return [at // HASH for at in pairs if hashes[at : at + HASH] != kept[at : at + HASH]]
