"""What is asked of all tenants leaves out those of lost nodes, and nothing more is asked while none is lost."""

from collections.abc import Mapping
from typing import Any

import psycopg
import pytest

from domain.errors import Busy
from infrastructure.postgres import nodes
from infrastructure.postgres.nodes import LOOK_SECONDS, TRIES, Nodes
from tests.fake_nodes import QUESTION, FakeCluster, NodeIsLost


@pytest.fixture
def cluster() -> FakeCluster:
    return FakeCluster()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(nodes, "monotonic", lambda: now[0])
    return now


async def asked(known: Nodes, cluster: FakeCluster) -> list[str]:
    """Ask for all tenants."""
    cluster.asked.clear()
    return [name for (name,) in await known.rows(cluster, QUESTION)]  # type: ignore[arg-type]


async def test_while_all_nodes_answer_only_the_question_is_asked(cluster: FakeCluster) -> None:
    known = Nodes()

    assert await asked(known, cluster) == ["acme", "globex", "initech"]
    assert cluster.asked == [QUESTION]
    assert known.lost == {}


async def test_tenants_of_a_lost_node_are_left_out_and_counted(cluster: FakeCluster, clock: list[float]) -> None:
    known = Nodes()
    cluster.lost = {"a:1"}

    assert await asked(known, cluster) == ["initech"]
    assert known.lost == {"a:1": 2}
    assert known.lost_at == clock[0]

    assert await asked(known, cluster) == ["initech"]
    assert cluster.asked == [QUESTION]


async def test_nodes_are_asked_again_until_all_are_back(cluster: FakeCluster, clock: list[float]) -> None:
    known = Nodes()
    cluster.lost = {"a:1"}
    await asked(known, cluster)
    cluster.lost = set()

    assert await asked(known, cluster) == ["initech"]
    clock[0] += LOOK_SECONDS

    assert await asked(known, cluster) == ["acme", "globex", "initech"]
    assert known.lost == {}
    assert await asked(known, cluster) == ["acme", "globex", "initech"]
    assert cluster.asked == [QUESTION]


async def test_a_second_node_may_be_lost_meanwhile(cluster: FakeCluster) -> None:
    known = Nodes()
    cluster.lost = {"a:1"}
    await asked(known, cluster)
    cluster.lost = {"a:1", "b:2"}

    assert await asked(known, cluster) == []
    assert known.lost == {"a:1": 2, "b:2": 1}


async def test_a_statement_that_fails_though_all_nodes_answer_fails(cluster: FakeCluster) -> None:
    async def fail(statement: bytes, parameters: Mapping[str, Any] | None = None, **_: object) -> FakeCluster:
        if statement == QUESTION:
            cluster.asked.append(statement)
            raise NodeIsLost
        return await FakeCluster.execute(cluster, statement, parameters)

    cluster.execute = fail  # type: ignore[method-assign]

    with pytest.raises(NodeIsLost):
        await Nodes().rows(cluster, QUESTION)  # type: ignore[arg-type]

    assert cluster.asked.count(QUESTION) == TRIES


async def test_other_errors_are_no_loss(cluster: FakeCluster) -> None:
    async def fail(_statement: bytes, _parameters: Mapping[str, Any] | None = None, **_: object) -> FakeCluster:
        raise psycopg.errors.DeadlockDetected

    cluster.execute = fail  # type: ignore[method-assign]

    with pytest.raises(psycopg.errors.DeadlockDetected):
        await Nodes().rows(cluster, QUESTION)  # type: ignore[arg-type]


async def test_it_is_told_when_a_node_is_lost_and_when_it_is_back(
    cluster: FakeCluster, clock: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    known = Nodes()
    cluster.lost = {"b:2"}
    for _ in range(3):
        clock[0] += LOOK_SECONDS
        await asked(known, cluster)
    cluster.lost = set()
    clock[0] += LOOK_SECONDS
    await asked(known, cluster)

    said = [record.getMessage().split(":")[0] for record in caplog.records]
    assert len(said) == 2
    assert said[0].startswith("Node b")


async def test_what_needs_all_nodes_is_refused_while_one_is_lost(cluster: FakeCluster) -> None:
    known = Nodes()
    known.require_all()
    cluster.lost = {"b:2"}
    await asked(known, cluster)

    with pytest.raises(Busy, match="cannot be reached"):
        known.require_all()
