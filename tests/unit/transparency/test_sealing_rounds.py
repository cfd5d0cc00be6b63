"""Rounds of sealing: every ledger has its turn, whatever becomes of the others."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from application.ledger.activity import WholeLooks
from application.transparency.checkpoint import KeptNote
from application.transparency.joint_sealing import GROUP, Backlog, GrowingTree, NewSeal
from application.transparency.keys import SigningKey, new_signing_key
from application.transparency.sealing import Sealer
from application.transparency.tiles import HASH, Leaves, Tile
from domain.values import TenantName

ACME, BUSY, GLOBEX = TenantName("acme"), TenantName("busy"), TenantName("globex")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Keys:
    """Implements application.transparency.keys.SigningKeyStore with one key."""

    def __init__(self) -> None:
        self.key = new_signing_key()

    async def origin(self) -> str:
        return "ordertrail/test"

    async def signing_keys(self) -> Sequence[SigningKey]:
        return [self.key]

    async def add_signing_key(self, key: SigningKey) -> None:
        raise NotImplementedError

    async def retire_signing_keys(self) -> int:
        raise NotImplementedError


class Trees:
    """Implements application.transparency.sealing.TreeStore on ledgers whose leaves are all zeroes."""

    def __init__(self, **events: int) -> None:
        self.events = {TenantName(tenant): count for tenant, count in events.items()}
        self.noted = dict.fromkeys(self.events, 0)
        self.tiles: dict[TenantName, dict[Tile, bytes]] = {tenant: {} for tenant in self.events}
        self.newest: dict[TenantName, KeptNote] = {}
        self.errors: dict[TenantName, str] = {}
        self.seals: list[TenantName] = []
        self.is_written = False
        """Whether an event is appended to every ledger while it is sealed."""
        self.failing: set[TenantName] = set()
        """The tenants whose trees cannot be written."""
        self.unreadable: set[TenantName] = set()
        """The tenants whose trees cannot be read."""
        self.quiet: set[TenantName] = set()
        """The tenants whose ledgers were not written to lately."""
        self.looks = 0
        """How often all trees were looked at."""
        self.together: list[list[TenantName]] = []
        """The tenants whose ledgers were sealed together."""

    async def unsealed(self, *, within: timedelta | None) -> list[Backlog]:
        looked_at = self.events if within is None else self.events.keys() - self.quiet
        found = [Backlog(t, self.noted[t], count) for t, count in self.events.items() if t in looked_at]
        return [backlog for backlog in found if backlog.events and backlog.tenant not in self.errors]

    async def growing(self, backlogs: Sequence[Backlog], *, limit: int) -> list[GrowingTree | None]:
        if self.unreadable & {backlog.tenant for backlog in backlogs}:
            raise RuntimeError("it cannot be read")
        return [await self._growing(backlog.tenant, limit) for backlog in backlogs]

    async def _growing(self, tenant: TenantName, limit: int) -> GrowingTree | None:
        if tenant in self.errors:
            return None
        batch = Batch(self, tenant)
        leaves = await batch.next_leaves(after=batch.noted_size, limit=limit)
        return GrowingTree(tenant, batch.noted_size, batch.head, batch.newest, dict(self.tiles[tenant]), leaves)

    async def keep(self, seals: Sequence[NewSeal]) -> dict[TenantName, Exception]:
        failed: dict[TenantName, Exception] = {}
        for tenant, sealed, grown in seals:
            if self.noted[tenant] == sealed:
                try:
                    await Batch(self, tenant).save(grown.checkpoint.size, grown.tiles, grown.note)
                except RuntimeError as error:
                    failed[tenant] = error
        self.together.append([seal.tenant for seal in seals])
        return failed

    async def misnoted(self) -> list[TenantName]:
        self.looks += 1
        signed = {t: self.newest[t].size if t in self.newest else 0 for t in self.events}
        return [t for t, noted in self.noted.items() if noted != signed[t] and t not in self.errors]

    @asynccontextmanager
    async def hold(self, tenant: TenantName) -> AsyncIterator["Batch | None"]:
        if tenant in self.unreadable:
            raise RuntimeError("it cannot be read")
        yield None if tenant in self.errors else Batch(self, tenant)


class Batch:
    """Implements application.transparency.sealing.TreeBatch."""

    def __init__(self, trees: Trees, tenant: TenantName) -> None:
        self.noted_size, self.head, self.newest = trees.noted[tenant], trees.events[tenant], trees.newest.get(tenant)
        self._trees = trees
        self._tenant = tenant

    async def tiles(self, wanted: Collection[Tile]) -> Mapping[Tile, bytes]:
        return {tile: hashes for tile, hashes in self._trees.tiles[self._tenant].items() if tile in wanted}

    async def next_leaves(self, *, after: int, limit: int) -> Leaves:
        count = min(limit, self.head - after)
        return Leaves(after + 1, after + count, count, bytes(count * HASH), NOON, NOON, are_in_time=True)

    async def save(self, size: int, tiles: Mapping[Tile, bytes], note: str) -> None:
        if self._tenant in self._trees.failing:
            raise RuntimeError("it cannot be written")
        self._trees.noted[self._tenant] = size
        self._trees.tiles[self._tenant] |= tiles
        self._trees.newest[self._tenant] = KeptNote(size, note)
        self._trees.seals.append(self._tenant)
        self._trees.events[self._tenant] += self._trees.is_written

    async def stop(self, error: str) -> None:
        self._trees.errors[self._tenant] = error


async def test_ledgers_that_have_much_to_seal_take_turns() -> None:
    trees = Trees(busy=25, acme=13)

    await Sealer(trees, Keys(), batch=10).seal_all()

    assert trees.seals == [BUSY, ACME, BUSY, ACME, BUSY]
    assert trees.noted == {BUSY: 25, ACME: 13}


async def test_ledgers_that_have_little_to_seal_are_sealed_together_before_those_that_have_much() -> None:
    trees = Trees(busy=25, acme=3, globex=10)

    await Sealer(trees, Keys(), batch=10).seal_all()

    assert trees.together == [[ACME, GLOBEX]]
    assert trees.seals == [ACME, GLOBEX, BUSY, BUSY, BUSY]


async def test_many_ledgers_are_sealed_some_at_a_time() -> None:
    trees = Trees(**{f"t{n}": 1 for n in range(2 * GROUP + 1)})

    await Sealer(trees, Keys()).seal_all()

    assert [len(group) for group in trees.together] == [GROUP, GROUP, 1]
    assert set(trees.noted.values()) == {1}


async def test_ledgers_that_have_little_to_seal_do_not_wait_until_those_that_have_much_are_sealed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("application.transparency.sealing.SECONDS", 0.0)
    trees = Trees(busy=25, acme=1)
    trees.is_written = True

    await Sealer(trees, Keys(), batch=10).seal_all()

    assert trees.seals[:4] == [ACME, BUSY, ACME, BUSY]


async def test_a_ledger_that_was_not_written_to_is_looked_at_every_now_and_then() -> None:
    trees = Trees(acme=1)
    sealer = Sealer(trees, Keys())
    await sealer.seal_all()
    trees.events[ACME], trees.quiet = 2, {ACME}

    await sealer.seal_all()
    assert trees.noted == {ACME: 1}

    sealer._looks = WholeLooks()  # as if a while had passed
    await sealer.seal_all()
    assert trees.noted == {ACME: 2}


async def test_a_tree_that_cannot_be_read_keeps_no_other_ledger_from_being_sealed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    trees = Trees(busy=1, acme=1, globex=1)
    trees.unreadable = {BUSY}
    sealer = Sealer(trees, Keys())

    await sealer.seal_all()
    trees.events[ACME] = 2
    await sealer.seal_all()

    assert trees.noted == {BUSY: 0, ACME: 2, GLOBEX: 1}
    assert trees.together == [[ACME]]
    assert caplog.text.count("Tenant busy cannot be sealed") == 1


async def test_a_ledger_that_is_written_to_all_the_time_is_left_when_what_there_was_is_sealed() -> None:
    trees = Trees(busy=12, acme=3)
    trees.is_written = True

    await Sealer(trees, Keys(), batch=10).seal_all()

    assert trees.seals == [ACME, BUSY, BUSY]


async def test_a_tree_that_cannot_be_written_keeps_no_other_ledger_from_being_sealed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    trees, keys = Trees(busy=1, acme=1), Keys()
    sealer = Sealer(trees, keys)
    await sealer.seal_all()
    trees.events = {BUSY: 2, ACME: 2}
    trees.failing = {BUSY}

    for _ in range(2):
        await sealer.seal_all()

    assert trees.noted == {BUSY: 1, ACME: 2}
    assert caplog.text.count("Tenant busy cannot be sealed") == 1

    trees.failing.clear()
    await Sealer(trees, keys).seal_all()
    assert trees.noted == {BUSY: 2, ACME: 2}


async def test_a_tree_that_is_damaged_is_stopped_once_and_keeps_no_other_ledger_from_being_sealed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    trees, keys = Trees(busy=1, acme=1), Keys()
    await Sealer(trees, keys).seal_all()
    trees.events = {BUSY: 2, ACME: 2}
    trees.tiles[BUSY].clear()

    for _ in range(2):
        await Sealer(trees, keys).seal_all()

    assert trees.noted == {BUSY: 1, ACME: 2}
    assert trees.errors == {BUSY: "tile 0 of level 0 is missing, but should have 1"}
    [said] = [record for record in caplog.records if record.levelname == "CRITICAL"]
    assert said.getMessage().startswith("Sealing of tenant busy has stopped: tile 0 of level 0 is missing")


async def test_trees_that_are_noted_wrong_are_looked_for_every_now_and_then() -> None:
    trees = Trees(acme=2)
    sealer = Sealer(trees, Keys())
    await sealer.seal_all()
    trees.noted[ACME] = trees.events[ACME] = 5  # as if all that is new were sealed

    for _ in range(10):
        await sealer.seal_all()
    assert (trees.looks, trees.errors) == (1, {})

    sealer._looks = WholeLooks()  # as if a while had passed
    await sealer.seal_all()
    assert trees.looks == 2
    assert trees.errors == {ACME: "the tree's kept size is 5 leaves, but the newest signed checkpoint covers 2 events"}
