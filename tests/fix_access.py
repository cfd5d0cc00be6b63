"""A clock that tests of access set."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.accessing import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    """The clock that access, and the tokens of tests, go by."""
    clock = Clock()

    class Now(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime.fromtimestamp(clock.time(), UTC)

    monkeypatch.setattr("application.access.callers.time", clock)
    monkeypatch.setattr("application.access.callers.datetime", Now)
    monkeypatch.setattr("tests.fakes.time", clock)
    return clock
