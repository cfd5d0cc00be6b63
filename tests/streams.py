"""Streams as their clients read them: server-sent events by a library of others, lines of JSON, and what resumes."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import httpx
from httpx_sse import ServerSentEvent, aconnect_sse

EVENTS = {"Accept": "text/event-stream"}
LINES = {"Accept": "application/x-ndjson"}
PATIENCE_SECONDS = 60


class End(NamedTuple):
    """Why a stream ended, and where to go on from."""

    why: str
    next: int


class Stream:
    """A stream that is read one after the other."""

    def __init__(self, events: AsyncIterator[ServerSentEvent]) -> None:
        self._events = events
        self.last_id = ""

    async def take(self, count: int) -> list[dict[str, Any]]:
        """Return the next so many items."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            return [await self._next() for _ in range(count)]

    async def end(self) -> End:
        """Return why it ended, once it has. There must be no item before."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            event = await self._event()
        assert event.event == "end", event
        said = event.json()
        assert said["detail"]
        assert event.retry is not None
        return End(said["end"], said["next"])

    async def reach(self, position: int) -> None:
        """Wait until the stream says that it has come so far, without an item."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while int(self.last_id or 0) < position:
                event = await self._event(with_beats=True)
                assert not event.data, event

    async def _next(self) -> dict[str, Any]:
        event = await self._event()
        assert event.event == "message", event
        item: dict[str, Any] = event.json()
        assert event.id == str(item["position"])
        return item

    async def _event(self, *, with_beats: bool = False) -> ServerSentEvent:
        async for event in self._events:
            self.last_id = event.id or self.last_id
            if event.data or with_beats:
                return event
        raise EOFError


@asynccontextmanager
async def streamed(http: httpx.AsyncClient, path: str, *, last_id: str = "", **query: Any) -> AsyncIterator[Stream]:
    """Open a stream of server-sent events."""
    headers = {"Last-Event-ID": last_id} if last_id else {}
    async with aconnect_sse(http, "GET", path, params=query, headers=headers, timeout=PATIENCE_SECONDS) as source:
        assert source.response.status_code == 200, (await source.response.aread()).decode()
        yield Stream(source.aiter_sse())


@asynccontextmanager
async def lined(http: httpx.AsyncClient, path: str, **query: Any) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    """Open a stream of lines."""
    async with http.stream("GET", path, params=query, headers=LINES, timeout=PATIENCE_SECONDS) as response:
        assert response.status_code == 200
        assert response.headers["content-type"] == "application/x-ndjson"
        yield (json.loads(line) async for line in response.aiter_lines())
