"""Proofs: that an event is in a sealed ledger, and that a sealed ledger continues an earlier one."""

import asyncio
import logging
import time
from base64 import b64encode
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple, Protocol

from application.ledger import EventStore, RecordedEvent
from application.transparency.checkpoint import Checkpoint
from application.transparency.keys import SigningKeyStore, identity
from application.transparency.leaf import instant
from application.transparency.note import InvalidNote, Verifier
from application.transparency.tiles import Tile, hash_in, tile_of
from application.transparency.tree import Range, consistency_path, inclusion_path, nodes_of, root_of
from domain.errors import EventNotFound, NotSealed, OrderNotFound, Unavailable
from domain.order import stream_of
from domain.values import TenantName

_log = logging.getLogger(__name__)

FORMAT = "ordertrail-proof/v1"
WAIT_SECONDS = 2.5
"""How long sealing is waited for. It runs twice a second."""
_POLL_SECONDS = 0.05
PAGE = 1_000


class TreeReader(Protocol):
    """What was sealed. Notes are signed checkpoints."""

    async def newest_note(self, tenant: TenantName) -> str | None:
        """Return the note of the tree as it is."""

    async def note_of(self, tenant: TenantName, size: int) -> str | None:
        """Return the note of the tree when it had this size, if it was signed then."""

    async def note_that_covers(self, tenant: TenantName, size: int) -> str | None:
        """Return the first note of a tree of at least this size."""

    async def position_of(self, tenant: TenantName, event_id: str) -> int | None:
        """Return where the event with this id stands in the ledger."""

    async def tiles(self, tenant: TenantName, wanted: Collection[Tile]) -> dict[Tile, bytes]:
        """Return the tiles that exist."""


class Consistency(NamedTuple):
    """That the ledger of one checkpoint begins with all of that of another."""

    old_size: int
    new_size: int
    proof: Sequence[bytes]


class Proofs:
    """Answers what was sealed. What was recorded just now is waited for, until it is sealed."""

    def __init__(
        self, trees: TreeReader, keys: SigningKeyStore, store: EventStore, *, wait_seconds: float = WAIT_SECONDS
    ) -> None:
        self._wait_seconds = wait_seconds
        self._trees = trees
        self._keys = keys
        self._store = store

    async def verifiers(self, tenant: TenantName) -> Sequence[Verifier]:
        """Return the keys, the oldest first, that a tenant's checkpoints were ever signed with."""
        return (await identity(self._keys, tenant)).verifiers

    async def checkpoint(self, tenant: TenantName, size: int | None = None) -> str:
        """Return the newest checkpoint, or that of a size, as it was signed. Raises NotSealed."""
        if size is not None:
            if (note := await self._trees.note_of(tenant, size)) is None:
                raise NotSealed(f"No checkpoint of {size} events was signed")
            return note
        if await self._store.head(tenant) == 0:
            raise NotSealed("The ledger has no events, so there is nothing to sign")
        return await self._trees.newest_note(tenant) or await self._covering(tenant, 1)

    async def of_event(
        self, tenant: TenantName, *, event_id: str | None = None, position: int | None = None, size: int | None = None
    ) -> dict[str, Any]:
        """Return the proof that an event, named by its id or its position, is in the ledger.

        It is against the first checkpoint that covers the event, or the one of this size. Raises EventNotFound,
        NotSealed.
        """
        if event_id is not None:
            position = await self._trees.position_of(tenant, event_id)
        events = [] if position is None else await self._store.read_ledger(tenant, after=position - 1, limit=1)
        if not events or events[0].position != position:
            raise EventNotFound(event_id or str(position))
        return await self._proof(tenant, events, size)

    async def of_order(self, tenant: TenantName, order_id: str) -> dict[str, Any]:
        """Return the proof that all events of an order are in the ledger. Raises OrderNotFound, NotSealed."""
        stream = stream_of(order_id)
        events: list[RecordedEvent] = []
        while page := await self._store.read_stream(
            tenant, stream, after=events[-1].version if events else 0, limit=PAGE
        ):
            events += page
        if not events:
            raise OrderNotFound(order_id)
        return await self._proof(tenant, events, None)

    async def of_positions(self, tenant: TenantName, positions: Range) -> dict[str, Any]:
        """Return the proof of events that were recorded together. Raises NotSealed."""
        count = positions.end - positions.start
        events = await self._store.read_ledger(tenant, after=positions.start - 1, upto=positions.end - 1, limit=count)
        return await self._proof(tenant, events, None)

    async def consistency(self, tenant: TenantName, old_size: int, new_size: int) -> Consistency:
        """Return the proof that the ledger of one size continues that of another. Raises NotSealed, ValueError."""
        await self._covering(tenant, new_size)
        [proof] = await self._hashes(tenant, [consistency_path(old_size, new_size)])
        return Consistency(old_size, new_size, proof)

    async def _covering(self, tenant: TenantName, size: int) -> str:
        """Return the first checkpoint of at least this size, as soon as there is one. Raises NotSealed."""
        until = time.monotonic() + self._wait_seconds
        note = await self._trees.note_that_covers(tenant, size)
        if note is None and size > await self._store.head(tenant):
            until = 0.0  # it is nothing that will be sealed in a moment
        while note is None:
            if time.monotonic() > until:
                raise NotSealed(f"Event {size} is not sealed; what is recorded is sealed within a second")
            await asyncio.sleep(_POLL_SECONDS)
            note = await self._trees.note_that_covers(tenant, size)
        return note

    async def _proof(self, tenant: TenantName, events: Sequence[RecordedEvent], size: int | None) -> dict[str, Any]:
        newest = max(event.position for event in events)
        if size is not None and size < newest:
            raise NotSealed(f"A ledger of {size} events does not hold event {newest}")
        note = await (self._covering(tenant, newest) if size is None else self.checkpoint(tenant, size))
        verifiers = await self.verifiers(tenant)
        try:
            tree_size = Checkpoint.verified(note, verifiers).size
            ranges = [inclusion_path(event.position - 1, tree_size) for event in events]
        except (InvalidNote, ValueError) as exc:
            _log.critical("A checkpoint of tenant %s is not the one that was signed; run verify", tenant)
            raise Unavailable("The checkpoint that the proof is under is not the one that was signed") from exc
        paths = await self._hashes(tenant, ranges)
        return {
            "format": FORMAT,
            "checkpoint": note,
            "keys": [str(verifier) for verifier in verifiers],
            "events": [
                {**leaf_fields(tenant, event), "proof": [_text(hash_) for hash_ in path]}
                for event, path in zip(events, paths, strict=True)
            ],
        }

    async def _hashes(self, tenant: TenantName, paths: Sequence[Sequence[Range]]) -> list[list[bytes]]:
        """Return the roots of all the leaves that these proofs name."""
        nodes = {leaves: nodes_of(leaves) for path in paths for leaves in path}
        tiles = await self._trees.tiles(tenant, {tile_of(node) for found in nodes.values() for node in found})
        try:
            roots = {
                leaves: root_of([hash_in(tiles[tile_of(node)], node) for node in found])
                for leaves, found in nodes.items()
            }
        except (KeyError, ValueError) as exc:
            _log.critical("Hashes of tenant %s that proofs are made of are missing; run verify", tenant)
            raise Unavailable("Hashes that the proof is made of are missing") from exc
        return [[roots[leaves] for leaves in path] for path in paths]


def leaf_fields(tenant: TenantName, event: RecordedEvent) -> dict[str, Any]:
    """Return what an event's leaf is made of, as JSON can hold it: data and metadata are base64."""
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
