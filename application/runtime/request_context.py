"""The request that is being answered, known to all code that runs for it: its id, its path, and its time left."""

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from time import monotonic
from typing import Any, TypeVar

from domain.errors import Unavailable
from domain.values import Origin

T = TypeVar("T")

SECONDS = 15.0
"""How long a request may wait for the database in all, over all its statements."""
TOO_LONG = "The database took too long to answer this request; try again"


class RequestContext:
    """One request. Code that runs for no request has none."""

    __slots__ = ("_find_id", "_id", "_origin", "seconds_left")

    def __init__(
        self, find_id: Callable[[], str], origin: Callable[[], Origin] | None = None, *, seconds: float = SECONDS
    ) -> None:
        self.seconds_left = seconds
        """How many seconds it may still wait for the database."""
        self._find_id = find_id
        self._origin = origin
        self._id = ""

    @property
    def id(self) -> str:
        """The request's id in the log. It is made when it is first asked for, which is seldom."""
        self._id = self._id or self._find_id()
        return self._id

    @property
    def origin(self) -> Origin | None:
        """The origin of the events that the request records."""
        return None if self._origin is None else self._origin()

    async def waiting_for(self, answered: "asyncio.Future[T]") -> T:
        """Return the result of a future of this request, or raise Unavailable when the time is up."""
        since = monotonic()
        timer = asyncio.get_running_loop().call_later(max(self.seconds_left, 0.0), give_up, answered)
        try:
            return await answered
        finally:
            timer.cancel()
            self.waited(since)

    def waited(self, since: float) -> None:
        """Record that the request has waited for the database since then, by the monotonic clock."""
        self.seconds_left -= monotonic() - since


def give_up(answered: "asyncio.Future[Any]") -> None:
    """Tell the task that still waits that it took too long."""
    if not answered.done():
        answered.set_exception(Unavailable(TOO_LONG))


current: ContextVar[RequestContext | None] = ContextVar("request", default=None)


def current_origin() -> Origin | None:
    """Return the origin of events that are recorded now; None if they are recorded for no request."""
    context = current.get()
    return None if context is None else context.origin


def renew() -> None:
    """Give the current request its whole time again, because a long answer begins its next part."""
    if (request := current.get()) is not None:
        request.seconds_left = SECONDS
