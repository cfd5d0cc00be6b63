"""The request that is being answered, known to all code that runs for it: its id, its path, and its time left."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic
from typing import Any, TypeVar

from application.runtime.admission import Ticket
from domain.errors import Unavailable
from domain.values import SaidOrigin

T = TypeVar("T")

SECONDS = 15.0
"""How long a request may wait for the database in all, over all its statements."""
TOO_LONG = "The database took too long to answer this request; try again"


class RequestContext:
    """One request. Code that runs for no request has none."""

    __slots__ = ("id", "may_have_written", "seconds_left", "ticket")

    def __init__(self, id_: str, *, ticket: Ticket | None = None, seconds: float = SECONDS) -> None:
        self.id = id_
        """The request's id in the log and in its answer."""
        self.ticket = ticket
        """Its place among the requests that are under way, where these are counted."""
        self.seconds_left = seconds
        """How many seconds it may still wait for the database."""
        self.may_have_written = False
        """Whether something that it asked for is stored, or may be. If so, no refusal may say that nothing is."""

    @property
    def origin(self) -> SaidOrigin | None:
        """The origin of the events that the request records."""
        return None

    async def waiting_for(self, answered: "asyncio.Future[T]") -> T:
        """Return the result of a future of this request, or raise Unavailable when the time is up."""
        since = monotonic()
        timer = asyncio.get_running_loop().call_later(max(self.seconds_left, 0.0), give_up, answered)
        try:
            return await answered
        finally:
            timer.cancel()
            self.waited(since)

    def waited(self, since: float) -> float:
        """Record that the request has waited for the database since then, by the monotonic clock. Return how long."""
        seconds = monotonic() - since
        self.seconds_left -= seconds
        return seconds


def give_up(answered: "asyncio.Future[Any]") -> None:
    """Tell the task that still waits that it took too long."""
    if not answered.done():
        answered.set_exception(Unavailable(TOO_LONG))


current: ContextVar[RequestContext | None] = ContextVar("request", default=None)


def current_origin() -> SaidOrigin | None:
    """Return the origin of events that are recorded now; None if they are recorded for no request."""
    context = current.get()
    return None if context is None else context.origin


def renew() -> None:
    """Give the current request its whole time again, because a long answer begins its next part."""
    if (request := current.get()) is not None:
        request.seconds_left = SECONDS


def note_write() -> None:
    """Note that something that the current request asked for is stored, or may be."""
    if (request := current.get()) is not None:
        request.may_have_written = True


@contextmanager
def resting() -> Iterator[None]:
    """Leave the current request's place to others inside this context, because it only waits."""
    request = current.get()
    ticket = None if request is None else request.ticket
    if ticket is None or not ticket.is_counted:
        yield
        return
    ticket.rest()
    try:
        yield
    finally:
        ticket.begin()
