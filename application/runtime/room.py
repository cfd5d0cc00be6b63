"""Room for what is large: a worker holds so many bytes of requests and answers at a time, whoever they are of."""

import asyncio
from collections.abc import Hashable
from contextvars import ContextVar
from enum import Enum
from typing import NamedTuple

from domain.errors import Unavailable

ROOM_BYTES = 64 * 2**20
"""How much of large requests and answers a worker holds; what is made of it takes several times as much memory."""
AT_ONCE = 256 * 1024
"""What is received, or read, without asking for room: nearly everything is smaller."""
BREATH_BYTES = 256 * 1024
"""After how much work on what is large others get their turn."""
PATIENCE_SECONDS = 20.0
"""How long room is waited for."""


class Crowded(Unavailable):
    """The server is busy with large requests and answers; try again."""


class Part(Enum):
    """What of a request takes room: what was sent, what was read last, and what was made of more than that."""

    SENT = "sent"
    READ = "read"
    MADE = "made"


_request: ContextVar[object] = ContextVar("request")
"""Stands for the request that holds room: the task that first asked for some, for tasks of its own as well."""


class _Guest(NamedTuple):
    owner: Hashable
    size: int


class Room:
    """Bounds what all requests hold together; one owner's take half of it at most, so that others find room.

    A request has its room until the task ends that first asked for some, or until it gives it back. What is larger
    than there is room for waits until nobody else holds any.
    """

    def __init__(self, size: int = ROOM_BYTES, *, patience: float = PATIENCE_SECONDS) -> None:
        self._size = size
        self._patience = patience
        self._guests: dict[tuple[object, Part], _Guest] = {}
        self._waiting: set[asyncio.Future[None]] = set()

    async def hold(self, owner: Hashable, part: Part, size: int) -> None:
        """Have room for so many bytes, or for more if there is more already. What is small has room anyway.

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
        """Have room no more, before the request ends: what it was for is gone."""
        self._leave((_request.get(None), part))

    def _has_room(self, request: object, owner: Hashable, size: int) -> bool:
        others = [guest for (holder, _), guest in self._guests.items() if holder is not request]
        total = sum(guest.size for guest in others)
        of_owner = sum(guest.size for guest in others if guest.owner == owner)
        if total == 0:
            return True
        return total + size <= self._size and (of_owner == 0 or of_owner + size <= self._size // 2)

    async def _change(self) -> None:
        """Wait until somebody leaves."""
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
