"""Rounds of sealing: every ledger has its turn, whatever becomes of the others."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from application.transparency.keys import SigningKey, new_signing_key
from application.transparency.sealing import Sealer
from application.transparency.tiles import HASH, Leaves, Tile, last_tiles
from domain.values import TenantName

ACME, BUSY = TenantName("acme"), TenantName("busy")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Keys:
    """Implements application.transparency.keys.SigningKeyStore with one key."""

    def __init__(self) -> None:
        self.key = new_signing_key()

    async def origin(self) -> str:
        return "ordertrail/test"

    async def signing_keys(self) -> Sequence[SigningKey]:
        return [self.key]

    async def add_signing_key(self, key: SigningKey, *, if_first: bool = False) -> None:
        raise NotImplementedError

    async def retire_signing_keys(self) -> int:
        raise NotImplementedError


class Trees:
    """Implements application.transparency.sealing.TreeStore on ledgers whose leaves are all zeroes."""

    def __init__(self, **events: int) -> None:
        self.events = {TenantName(tenant): count for tenant, count in events.items()}
        self.sizes = dict.fromkeys(self.events, 0)
        self.seals: list[TenantName] = []
        self.is_written = False
        """Whether an event is appended to every ledger while it is sealed."""
        self.lost: set[TenantName] = set()
        """The tenants whose tiles are gone."""

    async def unsealed(self) -> list[TenantName]:
        return [tenant for tenant, count in self.events.items() if count != self.sizes[tenant]]

    @asynccontextmanager
    async def hold(self, tenant: TenantName) -> AsyncIterator["Batch"]:
        yield Batch(self, tenant)


class Batch:
    """Implements application.transparency.sealing.TreeBatch."""

    def __init__(self, trees: Trees, tenant: TenantName) -> None:
        self.size, self.head = trees.sizes[tenant], trees.events[tenant]
        self._trees = trees
        self._tenant = tenant

    async def last_tiles(self) -> Mapping[int, bytes]:
        if self._tenant in self._trees.lost:
            return {}
        return {tile.level: bytes(self.size % 256 * HASH) for tile in last_tiles(self.size)}

    async def next_leaves(self, *, limit: int) -> Leaves:
        count = min(limit, self.head - self.size)
        return Leaves(self.size + 1, self.size + count, count, bytes(count * HASH), NOON, NOON, are_in_time=True)

    async def save(self, size: int, _tiles: Mapping[Tile, bytes], _note: str) -> None:
        self._trees.sizes[self._tenant] = size
        self._trees.seals.append(self._tenant)
        self._trees.events[self._tenant] += self._trees.is_written

    async def stop(self, error: str) -> None:
        raise NotImplementedError


async def test_ledgers_that_have_much_to_seal_take_turns() -> None:
    trees = Trees(busy=25, acme=3)

    await Sealer(trees, Keys(), batch=10).seal_all()

    assert trees.seals == [BUSY, ACME, BUSY, BUSY]
    assert trees.sizes == {BUSY: 25, ACME: 3}


async def test_a_ledger_that_is_written_to_all_the_time_is_left_when_what_there_was_is_sealed() -> None:
    trees = Trees(busy=12, acme=3)
    trees.is_written = True

    await Sealer(trees, Keys(), batch=10).seal_all()

    assert trees.seals == [BUSY, ACME, BUSY]


async def test_a_tree_that_is_damaged_keeps_no_other_ledger_from_being_sealed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    trees, keys = Trees(busy=1, acme=1), Keys()
    sealer = Sealer(trees, keys)
    await sealer.seal_all()
    trees.events = {BUSY: 2, ACME: 2}
    trees.lost = {BUSY}

    for _ in range(2):
        await sealer.seal_all()

    assert trees.sizes == {BUSY: 1, ACME: 2}
    assert caplog.text.count("Tenant busy cannot be sealed") == 1

    trees.lost.clear()
    await Sealer(trees, keys).seal_all()
    assert trees.sizes == {BUSY: 2, ACME: 2}
