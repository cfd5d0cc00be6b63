"""How many requests pass in any window, exactly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.http.problems import TooManyRequests, problem_of
from api.http.rate_limit import CARRIYO, SENDCLOUD_READS, SENDCLOUD_WRITES, SHOPLINE, RateLimit, RateLimiter, limits_of
from api.settings import Settings


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def passes(limiter: RateLimiter, name: str = "x", key_id: str = "k1") -> bool:
    try:
        limiter.take(name, key_id)
    except TooManyRequests:
        return False
    return True


def test_as_many_pass_as_the_limit_says_and_not_one_more() -> None:
    limiter = RateLimiter({"x": [RateLimit(20, 1)]}, clock=Clock())

    assert [passes(limiter) for _ in range(25)] == [True] * 20 + [False] * 5


def test_each_request_is_free_again_when_it_has_left_the_window() -> None:
    clock = Clock()
    limiter = RateLimiter({"x": [RateLimit(2, 1)]}, clock=clock)
    assert passes(limiter)
    clock.now += 0.75
    assert passes(limiter)

    clock.now += 0.125
    assert not passes(limiter)
    clock.now += 0.125
    assert passes(limiter)
    assert not passes(limiter)


def test_the_answer_says_when_to_go_on_in_whole_seconds() -> None:
    clock = Clock()
    limiter = RateLimiter({"x": [RateLimit(1, 60)]}, clock=clock)
    limiter.take("x", "k1")
    clock.now += 17.5

    with pytest.raises(TooManyRequests) as refused:
        limiter.take("x", "k1")

    assert refused.value.retry_after == 43
    assert problem_of(refused.value).headers == {"Retry-After": "43"}
    clock.now += 43
    assert passes(limiter)


def test_what_is_refused_does_not_count() -> None:
    clock = Clock()
    limiter = RateLimiter({"x": [RateLimit(1, 1)]}, clock=clock)
    assert passes(limiter)

    for _ in range(9):
        clock.now += 0.1
        assert not passes(limiter)
    clock.now += 0.125

    assert passes(limiter)


def test_credentials_and_interfaces_are_counted_apart() -> None:
    limiter = RateLimiter({"x": [RateLimit(1, 1)], "y": [RateLimit(1, 1)]}, clock=Clock())

    assert [passes(limiter, name, key) for name, key in (("x", "k1"), ("x", "k2"), ("y", "k1"))] == [True] * 3
    assert not passes(limiter)


def test_several_limits_hold_together() -> None:
    clock = Clock()
    limiter = RateLimiter({"x": [RateLimit(100, 60), RateLimit(15, 1)]}, clock=clock)

    passed = []
    for _ in range(10):
        passed.append(sum(passes(limiter) for _ in range(20)))
        clock.now += 1

    assert passed == [15, 15, 15, 15, 15, 15, 10, 0, 0, 0]


def test_what_has_no_limit_always_passes_and_is_not_remembered() -> None:
    limiter = RateLimiter({"y": []}, clock=Clock())

    assert all(passes(limiter, name) for name in ("x", "y") * 100)
    assert not limiter._passed


def test_only_so_many_credentials_are_remembered_those_that_came_last() -> None:
    limiter = RateLimiter({"x": [RateLimit(1, 1)]}, clock=Clock(), max_keys=3)
    for key in ("k1", "k2", "k3", "k1", "k4"):
        passes(limiter, key_id=key)

    assert len(limiter._passed) == 3
    assert not passes(limiter, key_id="k1")
    assert passes(limiter, key_id="k2")


@given(st.lists(st.floats(0, 2, allow_nan=False), max_size=60), st.integers(1, 5))
def test_no_window_ever_holds_more_than_the_limit(pauses: list[float], most: int) -> None:
    clock = Clock()
    limiter = RateLimiter({"x": [RateLimit(most, 1)]}, clock=clock)
    passed = []
    for pause in pauses:
        clock.now += pause
        if passes(limiter):
            passed.append(clock.now)

    # A window is as long as the limit says, without its end.
    assert all(later - earlier >= 1 - 1e-9 for earlier, later in zip(passed, passed[most:], strict=False))


def test_limits_are_what_is_set() -> None:
    assert limits_of(Settings(_env_file=None)) == {SHOPLINE: (RateLimit(20, 1),), CARRIYO: ()}
    assert limits_of(Settings(shopline_rate=0, carriyo_rate=5, sendcloud_limits=True)) == {
        SHOPLINE: (),
        CARRIYO: (RateLimit(5, 1),),
        SENDCLOUD_READS: (RateLimit(1_000, 60),),
        SENDCLOUD_WRITES: (RateLimit(100, 60), RateLimit(15, 1)),
    }
