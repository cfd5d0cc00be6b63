"""How far the database's clock may be ahead of ours, and what is said when it is further."""

from datetime import UTC, datetime, timedelta

import pytest

from api.settings import Settings
from domain.errors import ClockAhead, Unavailable
from infrastructure.ledger.clock import Clock

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_minute_is_allowed_unless_told_otherwise() -> None:
    assert Clock(our_time=lambda: NOON).latest() == NOON + timedelta(seconds=60)
    assert Clock(our_time=lambda: NOON, max_ahead=timedelta(seconds=5)).latest() == NOON + timedelta(seconds=5)


def test_our_time_is_asked_for_each_time() -> None:
    times = iter([NOON, NOON + timedelta(seconds=1)])
    clock = Clock(our_time=lambda: next(times))

    assert clock.latest() < clock.latest()


def test_who_hears_of_it_learns_by_how_much_and_to_try_again() -> None:
    error = ClockAhead(3_600.4)

    assert isinstance(error, Unavailable)
    assert str(error).startswith("The database's clock is 3600 s ahead of this server's, so no event can be recorded")
    assert str(error).endswith("try again")


@pytest.mark.parametrize("seconds", [0, 0.5, -1, 86_401, float("inf"), float("nan")])
def test_what_is_allowed_is_between_a_second_and_a_day(seconds: float) -> None:
    with pytest.raises(ValueError, match="max_clock_ahead_seconds"):
        Settings(max_clock_ahead_seconds=seconds)

    assert Settings().max_clock_ahead_seconds == 60
