"""Limits on the requests of a credential: exact, over a moving window, and separate in each worker."""

import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from starlette.requests import Request

from api.http.problems import TooManyRequests
from api.settings import Settings
from application.access.callers import Caller

MAX_KEYS = 10_000
"""How many credentials are remembered. Beyond that, the one that was quiet for longest is forgotten."""


class RateLimit(NamedTuple):
    """At most so many requests in any so many seconds."""

    requests: int
    seconds: float


SHOPLINE = "SHOPLINE"
CARRIYO = "Carriyo"
SENDCLOUD_READS = "Sendcloud reads"
SENDCLOUD_WRITES = "Sendcloud writes"

RateLimits = Mapping[str, Sequence[RateLimit]]
"""Name of a limit -> its rules, all of which apply. Requests without a name here are not limited."""


class RateLimiter:
    """Counts the requests that it lets pass. Refused requests do not count, so a client that waits as told gets
    through.
    """

    def __init__(
        self, limits: RateLimits, *, clock: Callable[[], float] = time.monotonic, max_keys: int = MAX_KEYS
    ) -> None:
        self._limits = limits
        self._clock = clock
        self._max_keys = max_keys
        self._passed: OrderedDict[tuple[str, str], list[deque[float]]] = OrderedDict()

    def take(self, name: str, key_id: str) -> None:
        """Let a request of a credential pass. Raises TooManyRequests."""
        limits = self._limits.get(name, ())
        if not limits:
            return
        now = self._clock()
        passed = self._passed.setdefault((name, key_id), [deque(maxlen=limit.requests) for limit in limits])
        self._passed.move_to_end((name, key_id))
        if len(self._passed) > self._max_keys:
            self._passed.popitem(last=False)
        wait = max(_wait(limit, moments, now) for limit, moments in zip(limits, passed, strict=True))
        if wait > 0:
            raise TooManyRequests(math.ceil(wait))
        for moments in passed:
            moments.append(now)


def _wait(limit: RateLimit, moments: deque[float], now: float) -> float:
    """Return the time until the oldest of the counted requests has left the window."""
    return moments[0] + limit.seconds - now if len(moments) == limit.requests else 0


def limits_of(settings: Settings) -> RateLimits:
    """Return the limits that are set. Sendcloud's and their burst are the vendor's published numbers."""
    limits = {SHOPLINE: _per_second(settings.shopline_rate), CARRIYO: _per_second(settings.carriyo_rate)}
    if settings.sendcloud_limits:
        limits[SENDCLOUD_READS] = (RateLimit(1_000, 60),)
        limits[SENDCLOUD_WRITES] = (RateLimit(100, 60), RateLimit(15, 1))
    return limits


def _per_second(requests: int) -> tuple[RateLimit, ...]:
    return (RateLimit(requests, 1),) if requests else ()


def take(request: Request, caller: Caller, name: str) -> None:
    """Let a request of the caller pass unless the limit with this name is reached. Raises TooManyRequests."""
    limiter: RateLimiter = request.app.state.rate_limiter
    limiter.take(name, caller.key_id)
