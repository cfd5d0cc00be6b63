"""Proofs that an event is in a sealed ledger, and that a sealed ledger continues an earlier one.

Each proof is checked before it is handed out.
"""

import asyncio
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Collection, Sequence
from math import inf
from typing import Any, NamedTuple, Protocol

from application.ledger.port import EventStore, RecordedEvent
from application.ledger.reading import ledger_pages, stream_pages
from application.runtime.request_context import resting
from application.runtime.room import AT_ONCE
from application.transparency.checking import check_continued, check_included, checked_note, unproven
from application.transparency.checkpoint import Checkpoint, KeptNote
from application.transparency.keys import SigningKeyStore, identity
from application.transparency.leaf import instant
from application.transparency.note import Verifier
from application.transparency.order_proof import OrderProof
from application.transparency.tiles import Tile, hash_in, tile_of
from application.transparency.tree import Range, consistency_path, inclusion_path, nodes_of, root_of
from domain.errors import BeyondHead, EventNotFound, NotSealed, OrderNotFound
from domain.streams import order_stream
from domain.values import TenantName

FORMAT = "ordertrail-proof/v1"
WAIT_SECONDS = 2.5
"""How long a proof waits for sealing, which runs twice a second."""
_USUAL_SECONDS = 0.75
"""After this time of waiting, we look whether sealing has stopped."""
_POLL_SECONDS = 0.05
PAGE = 1_000


class TreeReader(Protocol):
    """Reads sealed trees. Notes are signed checkpoints."""

    async def newest_note(self, tenant: TenantName) -> KeptNote | None:
        """Return the note of the present tree."""

    async def note_of(self, tenant: TenantName, size: int) -> KeptNote | None:
        """Return the note of the tree at this size, if it was signed then."""

    async def note_that_covers(self, tenant: TenantName, size: int) -> KeptNote | None:
        """Return the first note of a tree of at least this size."""

    async def stopped(self, tenant: TenantName) -> str | None:
        """Return why sealing has stopped; None if it has not."""

    async def position_of(self, tenant: TenantName, event_id: str) -> int | None:
        """Return the ledger position of the event with this id."""

    async def newest_of_stream(self, tenant: TenantName, stream: str) -> tuple[int, int] | None:
        """Return the position and the version of a stream's newest event."""

    async def tiles(self, tenant: TenantName, wanted: Collection[Tile]) -> dict[Tile, bytes]:
        """Return the tiles that exist."""


class Consistency(NamedTuple):
    """The proof that the ledger of one checkpoint begins with the whole ledger of another."""

    old_size: int
    new_size: int
    proof: Sequence[bytes]


class Proofs:
    """Answers from the sealed ledger. For an event that was just recorded, it waits until the event is sealed."""

    def __init__(
        self, trees: TreeReader, keys: SigningKeyStore, store: EventStore, *, wait_seconds: float = WAIT_SECONDS
    ) -> None:
        self._wait_seconds = wait_seconds
        self._trees = trees
        self._keys = keys
        self._store = store

    async def verifiers(self, tenant: TenantName) -> Sequence[Verifier]:
        """Return all keys that a tenant's checkpoints were ever signed with, the oldest first."""
        return (await identity(self._keys, tenant)).verifiers

    async def checkpoint(self, tenant: TenantName, size: int | None = None) -> str:
        """Return the newest checkpoint, or that of a size, as it was signed. Raises BeyondHead, NotSealed, Unproven."""
        await self._require_reached(tenant, size)
        kept = await (self._newest(tenant) if size is None else self._of_size(tenant, size))
        await self._checked(tenant, kept)
        return kept.note

    async def of_event(
        self, tenant: TenantName, *, event_id: str | None = None, position: int | None = None, size: int | None = None
    ) -> dict[str, Any]:
        """Return the proof that an event, named by its id or its position, is in the ledger.

        It is against the first checkpoint that covers the event, or the one of this size. Raises BeyondHead,
        EventNotFound, NotSealed, Unproven.
        """
        await self._require_reached(tenant, position, size)
        if event_id is not None:
            position = await self._trees.position_of(tenant, event_id)
        events = [] if position is None else await self._store.read_ledger(tenant, after=position - 1, limit=1)
        if not events or events[0].position != position:
            raise EventNotFound(event_id or str(position))
        return await self._proof(tenant, events, size)

    async def of_order(self, tenant: TenantName, order_id: str) -> OrderProof:
        """Return the proof that all events of an order are in the ledger. Raises OrderNotFound, NotSealed, Unproven.

        Errors in the first events are raised at once; errors in later events are raised when those are asked for.
        """
        newest = await self._trees.newest_of_stream(tenant, order_stream(order_id))
        if newest is None:
            raise OrderNotFound(order_id)
        position, version = newest
        head, checkpoint = await self._under(tenant, position, None)
        pages = self._pages_of_order(tenant, order_id, version, checkpoint)
        first = await anext(pages)
        return OrderProof(head, first, pages, has_others=first[-1]["version"] < version)

    async def _pages_of_order(
        self, tenant: TenantName, order_id: str, upto: int, checkpoint: Checkpoint
    ) -> AsyncIterator[Sequence[dict[str, Any]]]:
        pages = stream_pages(self._store, tenant, order_stream(order_id), upto=upto, limit=PAGE, max_bytes=AT_ONCE)
        async for page in pages:
            proven = await self._proven(tenant, page, checkpoint)
            del page  # free it before the next page is read
            yield proven
            del proven

    async def of_positions(self, tenant: TenantName, *runs: Range) -> dict[str, Any]:
        """Return the proof of events in runs of positions. Raises EventNotFound, NotSealed, Unproven."""
        events: list[RecordedEvent] = []
        for run in runs:
            found: list[RecordedEvent] = []
            async for page in ledger_pages(self._store, tenant, after=run.start - 1, upto=run.end - 1):
                found += page
            if len(found) < run.end - run.start:
                raise EventNotFound(str(run.end - 1))
            events += found
        return await self._proof(tenant, events, None)

    async def consistency(self, tenant: TenantName, old_size: int, new_size: int) -> Consistency:
        """Return the proof that the ledger at one size continues the ledger at another.

        Both may lie between checkpoints: then their roots are proven to lead to the next checkpoint that was signed.
        Raises BeyondHead, NotSealed, Unproven, ValueError.
        """
        await self._require_reached(tenant, old_size, new_size)
        covering = await self._checked(tenant, await self._covering(tenant, new_size))
        root_of_size = {covering.size: covering.root}
        for size in {old_size, new_size} - {covering.size}:
            if (kept := await self._trees.note_of(tenant, size)) is not None:
                root_of_size[size] = (await self._checked(tenant, kept)).root
        between = [size for size in (old_size, new_size) if size not in root_of_size]
        paths = [consistency_path(old_size, new_size), consistency_path(new_size, covering.size)]
        path, onward, *roots = await self._hashes(tenant, [*paths, *[[Range(0, size)] for size in between]])
        root_of_size |= {size: root for size, [root] in zip(between, roots, strict=True)}
        check_continued(tenant, (old_size, root_of_size[old_size]), (new_size, root_of_size[new_size]), path)
        check_continued(tenant, (new_size, root_of_size[new_size]), (covering.size, covering.root), onward)
        return Consistency(old_size, new_size, path)

    async def _require_reached(self, tenant: TenantName, *positions: int | None) -> None:
        """Raise BeyondHead if the ledger has not come to one of these positions."""
        asked = max((position for position in positions if position is not None), default=0)
        if asked and asked > (head := await self._store.head(tenant)):
            raise BeyondHead(asked, head)

    async def _checked(self, tenant: TenantName, kept: KeptNote) -> Checkpoint:
        return checked_note(tenant, kept, await identity(self._keys, tenant))

    async def _newest(self, tenant: TenantName) -> KeptNote:
        if await self._store.head(tenant) == 0:
            raise NotSealed("The ledger has no events, so there is nothing to sign")
        return await self._trees.newest_note(tenant) or await self._covering(tenant, 1)

    async def _of_size(self, tenant: TenantName, size: int) -> KeptNote:
        if (kept := await self._trees.note_of(tenant, size)) is None:
            raise NotSealed(f"No checkpoint of {size} events was signed")
        return kept

    async def _covering(self, tenant: TenantName, size: int) -> KeptNote:
        """Return the first checkpoint of at least this size, as soon as it exists. Raises NotSealed."""
        began = time.monotonic()
        until, look_at = began + self._wait_seconds, began + _USUAL_SECONDS
        note = await self._trees.note_that_covers(tenant, size)
        if note is None and size > await self._store.head(tenant):
            until = 0.0  # nothing that will be sealed in a moment
        while note is None:
            if (now := time.monotonic()) > until:
                raise NotSealed(f"Event {size} is not sealed; what is recorded is sealed within a second")
            if now > look_at and await self._trees.stopped(tenant) is not None:
                raise NotSealed(
                    f"Event {size} is not sealed: sealing of its ledger has stopped until its tree is repaired"
                )
            look_at = inf if now > look_at else look_at
            with resting():
                await asyncio.sleep(_POLL_SECONDS)
            note = await self._trees.note_that_covers(tenant, size)
        return note

    async def _proof(self, tenant: TenantName, events: Sequence[RecordedEvent], size: int | None) -> dict[str, Any]:
        head, checkpoint = await self._under(tenant, max(event.position for event in events), size)
        return {**head, "events": await self._proven(tenant, events, checkpoint)}

    async def _under(self, tenant: TenantName, newest: int, size: int | None) -> tuple[dict[str, Any], Checkpoint]:
        """Return the part of a proof that events up to a position share, and its checkpoint. Raises NotSealed,
        Unproven.
        """
        if size is not None and size < newest:
            raise NotSealed(f"A ledger of {size} events does not hold event {newest}")
        kept = await (self._covering(tenant, newest) if size is None else self._of_size(tenant, size))
        known = await identity(self._keys, tenant)
        keys = [str(verifier) for verifier in known.verifiers]
        return {"format": FORMAT, "checkpoint": kept.note, "keys": keys}, checked_note(tenant, kept, known)

    async def _proven(
        self, tenant: TenantName, events: Sequence[RecordedEvent], checkpoint: Checkpoint
    ) -> list[dict[str, Any]]:
        """Return events with the hashes that prove them under a checkpoint. Raises Unproven."""
        paths = await self._hashes(tenant, [_path(tenant, event, checkpoint) for event in events])
        for event, path in zip(events, paths, strict=True):
            check_included(tenant, event, path, checkpoint)
        return [
            {**leaf_fields(tenant, event), "proof": [_text(hash_) for hash_ in path]}
            for event, path in zip(events, paths, strict=True)
        ]

    async def _hashes(self, tenant: TenantName, paths: Sequence[Sequence[Range]]) -> list[list[bytes]]:
        """Return, for each path, the roots of its ranges of leaves. Raises Unproven."""
        nodes = {leaves: nodes_of(leaves) for path in paths for leaves in path}
        tiles = await self._trees.tiles(tenant, {tile_of(node) for found in nodes.values() for node in found})
        try:
            roots = {
                leaves: root_of([hash_in(tiles[tile_of(node)], node) for node in found])
                for leaves, found in nodes.items()
            }
        except (KeyError, ValueError) as exc:
            raise unproven(tenant, "hashes that the proof is made of are missing") from exc
        return [[roots[leaves] for leaves in path] for path in paths]


def _path(tenant: TenantName, event: RecordedEvent, checkpoint: Checkpoint) -> list[Range]:
    try:
        return inclusion_path(event.position - 1, checkpoint.size)
    except ValueError as exc:
        raise unproven(tenant, f"there is an event at position {event.position}, where none can be") from exc


def leaf_fields(tenant: TenantName, event: RecordedEvent) -> dict[str, Any]:
    """Return the parts of an event's leaf in a form that JSON can hold: data and metadata are base64."""
    return {
        "tenant": tenant,
        "position": event.position,
        "stream": event.stream,
        "version": event.version,
        "event_id": event.event_id,
        "type": event.type,
        "occurred_at": instant(event.occurred_at),
        "recorded_at": instant(event.recorded_at),
        "data": _text(event.data),
        "metadata": _text(event.metadata),
    }


def _text(data: bytes) -> str:
    return b64encode(data).decode()
