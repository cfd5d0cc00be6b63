"""The short form of `make faults`: some kinds of faults under load, and nothing is lost, doubled or out of order."""

from pathlib import Path

from tests.faults.kinds import KINDS
from tests.faults.run import running


def test_nothing_that_was_acknowledged_is_lost_or_doubled_whatever_fails(data_dir: Path, tmp_path: Path) -> None:
    short = [kind._replace(seconds=min(kind.seconds, 0.5)) for kind in KINDS if kind.is_short]

    with running(tmp_path, data_dir, workers=2, writers=2, racers=3, batch=5) as run:
        results = [run.inflict(kind) for kind in short]

    assert run.faults == []
    assert len(results) == 6
    assert all(result.acknowledged > 0 for result in results)
    assert sum(result.history for result in results) > 20


def test_there_are_twenty_kinds_of_faults_at_least() -> None:
    assert len({kind.name for kind in KINDS}) == len(KINDS) >= 20
