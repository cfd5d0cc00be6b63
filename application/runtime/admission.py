"""Admission: a worker takes as many requests as it answers in time, and of each tenant no more than its share."""

import logging
import math
from collections.abc import Callable, Hashable
from time import monotonic

from application.runtime.room import AT_ONCE
from domain.errors import OrdertrailError, Unavailable

_log = logging.getLogger(__name__)

QUEUE_SECONDS = 0.2
"""How long the requests that are under way may take to be answered, by the present pace. More are refused."""
BURST_SECONDS = 1.0
"""The same for a burst: many requests at once after a time when few came."""
MAX_BYTES = 64 * 2**20
"""How many bytes the bodies of the requests that are under way may have together. Large ones are not counted: they
wait for room. See application/runtime/room.py.
"""
MAX_REQUESTS = 4_000
"""How many requests may be under way at all."""
ALWAYS = 128
"""So many requests are taken at any pace."""
BUSY = 8
"""If at least so many were under way all the time, the answers show the worker's pace. Otherwise the clients'."""
FIRST_PACE = 1_000.0
"""The requests a second that a worker is trusted with until it has shown its pace."""
WINDOW_SECONDS = 0.1
"""How often the pace is measured, and how long a queue has to be too long until it is no burst any more."""
MEMORY_SECONDS = 0.5
"""How long a measured pace counts."""
STRICT_SECONDS = 1.0
"""After a refusal, no burst is taken for so long."""
LOG_SECONDS = 30.0
MAX_SENDERS = 10_000
"""How many credentials' tenants are remembered."""

Owner = Hashable | None
"""A tenant; None stands for all whose credential was not checked yet."""


class Overloaded(Unavailable):
    """More requests come to this server than it can answer in time; try again."""


class ShareTaken(OrdertrailError):
    """This tenant has as many requests under way as it may while the server is busy; try again."""


class Ticket:
    """One request's place among those that are under way. It takes the place when all of the request has come."""

    __slots__ = ("_admission", "_has_left", "_owner", "_sender", "_size", "is_counted")

    def __init__(self, admission: "Admission", sender: bytes, owner: Owner, size: int) -> None:
        self._admission, self._sender, self._owner, self._size = admission, sender, owner, size
        self.is_counted = self._has_left = False

    def begin(self) -> None:
        """Take the place."""
        if not self.is_counted and not self._has_left:
            self.is_counted = True
            self._admission.begin(self._owner, self._size)

    def rest(self) -> None:
        """Give up the place while the request waits for something that others do not need."""
        if self.is_counted:
            self.is_counted = False
            self._admission.end(self._owner, self._size)

    def leave(self) -> None:
        """Give up the place for good: the request was answered."""
        self._has_left = True
        if self.is_counted:
            self.is_counted = False
            self._admission.end(self._owner, self._size, answered=1)

    def belongs_to(self, owner: Owner) -> None:
        """Note whose request it is. Raises ShareTaken if there are too many of theirs."""
        if owner == self._owner:
            return
        self._admission.know(self._sender, owner)
        was_counted = self.is_counted
        self.rest()
        self._owner = owner
        refusal = self._admission.refusal(owner, self._size)
        if was_counted:
            self.begin()
        if refusal is not None:
            raise refusal


class _Share:
    """What one owner has under way."""

    __slots__ = ("bytes", "requests")

    def __init__(self) -> None:
        self.requests = self.bytes = 0


class Admission:
    """Takes requests of one kind, or refuses them at once.

    The time that a new request would wait is the number of those under way divided by the pace at which they are
    answered. So the bound holds whatever it is that the requests wait for. A request that is refused is not counted.
    """

    def __init__(
        self, what: str, *, queue_seconds: float = QUEUE_SECONDS, clock: Callable[[], float] = monotonic
    ) -> None:
        self._what = what
        self._queue_seconds = queue_seconds
        self._clock = clock
        self.under_way = 0
        self._bytes = 0
        self._shares: dict[Owner, _Share] = {}
        self._owners: dict[bytes, Owner] = {}
        self._pace = FIRST_PACE
        self._window_began = clock()
        self._least = self._answered = 0
        self._strict_until = self._tell_at = -math.inf
        self._untold = 0

    @property
    def most(self) -> float:
        """How many requests may be under way now, all tenants' shares together."""
        is_strict = self._clock() < self._strict_until
        return max(ALWAYS, self._pace * (self._queue_seconds if is_strict else max(self._queue_seconds, BURST_SECONDS)))

    def ticket(self, sender: bytes, size: int) -> Ticket:
        """Return a place for a request with a body of this size. Raises Overloaded, ShareTaken."""
        owner = self._owners.get(sender)
        size = 0 if size > AT_ONCE else size
        if (refusal := self.refusal(owner, size)) is not None:
            raise refusal
        return Ticket(self, sender, owner, size)

    def refusal(self, owner: Owner, size: int) -> Overloaded | ShareTaken | None:
        """Return why a request cannot be taken now."""
        now = self._clock()
        if now - self._window_began >= WINDOW_SECONDS:
            self._measure(now)
        if self.under_way < ALWAYS / 2 and self._bytes + size <= MAX_BYTES / 2:
            return None
        # The last share stays free for somebody who comes anew.
        shares = len(self._shares) + (owner not in self._shares) + 1
        # Who keeps to its share is not shut out by those who came in a burst before, and are still there.
        is_full = self.under_way >= MAX_REQUESTS or self._bytes + size > MAX_BYTES
        share = self._shares.get(owner) or _Share()
        has_share = share.requests < self.most / shares and share.bytes + size <= MAX_BYTES / shares
        if has_share and not is_full:
            return None
        self._strict_until = now + STRICT_SECONDS
        self._tell(now)
        return Overloaded(is_told=True) if has_share or owner is None else ShareTaken()

    def know(self, sender: bytes, owner: Owner) -> None:
        """Remember whose credential this is, so that its next request is counted from the start."""
        if self._owners.get(sender) != owner:
            if len(self._owners) >= MAX_SENDERS:
                self._owners.pop(next(iter(self._owners)))
            self._owners[sender] = owner

    def begin(self, owner: Owner, size: int) -> None:
        """Add a request to those that are under way."""
        self.under_way += 1
        self._bytes += size
        if (share := self._shares.get(owner)) is None:
            share = self._shares[owner] = _Share()
        share.requests += 1
        share.bytes += size

    def end(self, owner: Owner, size: int, *, answered: int = 0) -> None:
        """Take a request from those that are under way. It was answered, or rests."""
        self._answered += answered
        self.under_way -= 1
        self._bytes -= size
        self._least = min(self._least, self.under_way)
        share = self._shares[owner]
        share.requests -= 1
        share.bytes -= size
        if share.requests == 0:
            del self._shares[owner]

    def _measure(self, now: float) -> None:
        """Learn the pace from the time since this was last called, and whether the queue has stood for all of it."""
        seconds = now - self._window_began
        weight = 1 - math.exp(-seconds / MEMORY_SECONDS)
        if self._least >= BUSY or self._answered / seconds > self._pace:
            self._pace += (self._answered / seconds - self._pace) * weight
        elif self._pace < FIRST_PACE:
            self._pace += (FIRST_PACE - self._pace) * weight
        if self._least > max(ALWAYS, self._pace * self._queue_seconds):
            self._strict_until = now + STRICT_SECONDS
        self._window_began, self._least, self._answered = now, self.under_way, 0

    def _tell(self, now: float) -> None:
        self._untold += 1
        if now >= self._tell_at:
            _log.warning(
                "%s are refused: more come than are answered in %.0f ms (%d under way, %.0f answered a second; "
                "refused since this was last said: %d)",
                self._what,
                self._queue_seconds * 1_000,
                self.under_way,
                self._pace,
                self._untold,
            )
            self._untold, self._tell_at = 0, now + LOG_SECONDS
