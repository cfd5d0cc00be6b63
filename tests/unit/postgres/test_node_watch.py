"""A watch over the nodes of a cluster finds out that one hangs, and lets nobody wait for it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from psycopg.pq import TransactionStatus

from domain.errors import Busy
from infrastructure.postgres import node_watch
from infrastructure.postgres.node_watch import NodeWatch
from infrastructure.postgres.nodes import Nodes
from infrastructure.postgres.watch import Watch
from tests.fake_nodes import QUESTION, FakeCluster, FakeConnection


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_watch, "SILENCE_SECONDS", 0.1)
    monkeypatch.setattr(node_watch, "STEP_SECONDS", 0.02)
    monkeypatch.setattr(node_watch, "PERIOD_SECONDS", 0.01)
    monkeypatch.setattr(node_watch, "hang_up", lambda connection: connection.hang_up())


@pytest.fixture
def cluster() -> FakeCluster:
    return FakeCluster()


@pytest.fixture
async def watch(cluster: FakeCluster) -> AsyncIterator[Watch]:
    """A watch whose nodes are watched."""
    watch = Watch()
    running = asyncio.create_task(NodeWatch(watch, cluster.connect).run())  # type: ignore[arg-type]
    yield watch
    running.cancel()
    await asyncio.wait({running})


async def until(is_so: Callable[[], Any]) -> None:
    async with asyncio.timeout(10):
        while not is_so():  # noqa: ASYNC110 nothing tells
            await asyncio.sleep(0.01)


async def test_one_server_is_asked_once_for_its_nodes(cluster: FakeCluster) -> None:
    cluster.places = {"": ["acme"]}

    await NodeWatch(Watch(), cluster.connect).run()  # type: ignore[arg-type]

    assert len(cluster.asked) == 1


async def test_tenants_of_a_node_that_hangs_are_refused_until_it_goes_on(cluster: FakeCluster, watch: Watch) -> None:
    await until(lambda: watch.nodes.is_watched)
    cluster.hanging = {"a:1"}

    await until(lambda: watch.nodes.lost == {"a:1": 2})
    with pytest.raises(Busy, match="cannot be reached"):
        watch.nodes.require("acme")
    watch.nodes.require("initech")

    cluster.hanging = set()
    await until(lambda: watch.nodes.lost == {})
    watch.nodes.require("acme")


async def test_who_waits_while_a_node_hangs_is_hung_up(cluster: FakeCluster, watch: Watch) -> None:
    waits, rests = FakeConnection(cluster), FakeConnection(cluster)
    waits.pgconn.transaction_status = TransactionStatus.ACTIVE
    watch.adopt(waits)  # type: ignore[arg-type]
    watch.adopt(rests)  # type: ignore[arg-type]
    cluster.hanging = {"b:2"}

    await until(lambda: watch.nodes.lost)

    assert (waits.closed, rests.closed) == (True, False)


async def test_what_is_asked_of_all_tenants_waits_for_the_watch(cluster: FakeCluster, watch: Watch) -> None:
    await until(lambda: watch.nodes.is_watched)
    cluster.lost = {"a:1"}

    rows = await watch.nodes.rows(FakeConnection(cluster), QUESTION)  # type: ignore[arg-type]

    assert rows == [("initech",)]


async def test_a_node_is_not_blamed_while_the_database_itself_is_away(cluster: FakeCluster, watch: Watch) -> None:
    await until(lambda: watch.nodes.is_watched)
    watch.end()
    cluster.hanging = {"a:1", "b:2"}
    connections = cluster.connections

    await until(lambda: cluster.connections > connections + 1)

    assert watch.nodes.lost == {}


async def test_where_nobody_watches_nobody_is_refused() -> None:
    nodes = Nodes()
    await nodes.note([("a:1", ["acme"])], {"a:1": Busy()})

    nodes.require("acme")

    assert nodes.lost == {"a:1": 1}
