"""Room: limits the bytes of large requests and answers that a worker holds at a time, over all callers."""

import asyncio
from collections.abc import Hashable
from contextvars import ContextVar
from enum import Enum
from typing import NamedTuple

from domain.errors import Unavailable

ROOM_BYTES = 64 * 2**20
"""How many bytes of large requests and answers a worker holds. Processing them takes several times as much memory."""
AT_ONCE = 256 * 1024
"""A request or an answer up to this size needs no room. Nearly all are smaller."""
BREATH_BYTES = 256 * 1024
"""How many bytes are processed before other tasks get a turn."""
PATIENCE_SECONDS = 20.0
"""How long a request waits for room."""


class Crowded(Unavailable):
    """The server is busy with large requests and answers; try again."""


class Part(Enum):
    """The part of a request that takes room: what was sent, what was read last, and what several reads made."""

    SENT = "sent"
    READ = "read"
    MADE = "made"


_request: ContextVar[object] = ContextVar("request")
"""Stands for the request that holds room: the task that first asked for some. Its own tasks share it."""


class _Guest(NamedTuple):
    owner: Hashable
    size: int


class Room:
    """Limits what all requests hold together. One owner's requests get half of it at most, so that others find room.

    A request keeps its room until it gives it back, or until the task that first asked for some ends. A request that is
    larger than the whole room waits until nobody else holds any.
    """

    def __init__(self, size: int = ROOM_BYTES, *, patience: float = PATIENCE_SECONDS) -> None:
        self._size = size
        self._patience = patience
        self._guests: dict[tuple[object, Part], _Guest] = {}
        self._waiting: set[asyncio.Future[None]] = set()

    async def hold(self, owner: Hashable, part: Part, size: int) -> None:
        """Wait until this part has room for so many bytes. If it has more already, it keeps that. Small sizes never
        wait.

        Raises Crowded.
        """
        task = asyncio.current_task()
        assert task is not None
        request = _request.get(task)
        _request.set(request)
        guest = request, part
        if size <= AT_ONCE or (guest in self._guests and self._guests[guest].size >= size):
            return
        try:
            async with asyncio.timeout(self._patience):
                while not self._has_room(request, owner, size):
                    await self._change()
        except TimeoutError as exc:
            raise Crowded from exc
        if guest not in self._guests:
            task.add_done_callback(lambda _task: self._leave(guest))
        self._guests[guest] = _Guest(owner, size)

    def give_back(self, part: Part) -> None:
        """Give up this part's room before the request ends, because its data is gone."""
        self._leave((_request.get(None), part))

    def _has_room(self, request: object, owner: Hashable, size: int) -> bool:
        others = [guest for (holder, _), guest in self._guests.items() if holder is not request]
        total = sum(guest.size for guest in others)
        of_owner = sum(guest.size for guest in others if guest.owner == owner)
        if total == 0:
            return True
        return total + size <= self._size and (of_owner == 0 or of_owner + size <= self._size // 2)

    async def _change(self) -> None:
        """Wait until a request leaves."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        try:
            await future
        finally:
            self._waiting.discard(future)

    def _leave(self, guest: tuple[object, Part]) -> None:
        if self._guests.pop(guest, None) is not None:
            for future in self._waiting:
                if not future.done():
                    future.set_result(None)
