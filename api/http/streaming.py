"""Answers that go on: items as they come, heartbeats between them, and at the end the reason why it ended."""

import asyncio
import logging
import random
from collections.abc import Callable, Hashable, Sequence
from contextlib import AbstractContextManager
from http import HTTPStatus
from time import monotonic
from typing import NamedTuple, Protocol

from fastapi.sse import EventSourceResponse, format_sse_event
from starlette.types import Receive, Scope, Send

from api.http.accept import NDJSON
from api.http.exchange import IS_HEAD
from api.http.parts import PIECE
from api.http.reading.json_text import to_json
from application.delivery.follower import End
from application.delivery.streams import Check, Streams
from application.runtime.request_context import renew, resting
from domain.errors import BeyondHead, NotFound, Unavailable

_log = logging.getLogger(__name__)

SLOW_SECONDS = 10.0
"""How long a client may take nothing before its stream ends. It reads the reason once it reads on."""
PAUSE_SECONDS = 0.5
"""How long to wait for a database that is away before it is asked again."""
RETRY_MILLISECONDS = (500, 3_000)
"""After how long a client connects again. Each is told another time, so that not all come back at once."""


class StreamPart(NamedTuple):
    """Items in the form of the stream, and the position up to which there are no others."""

    items: Sequence[bytes]
    next: int


class StreamFeed(Protocol):
    """What a stream shows."""

    @property
    def position(self) -> int: ...

    @property
    def ended(self) -> End | None: ...

    def end(self, why: End) -> None:
        """Give no more."""

    async def more(self, seconds: float) -> StreamPart:
        """Return the next items, after so many seconds at most. Raises BeyondHead, NotFound, Unavailable."""


class StreamForm:
    """How a stream is written."""

    media_type: str

    def item(self, json: bytes, position: int) -> bytes:
        """Return an item in JSON with its position."""
        raise NotImplementedError

    def beat(self, position: int) -> bytes:
        """Return what says that the stream is alive, and where to go on from."""
        raise NotImplementedError

    def end(self, why: End, position: int) -> bytes:
        """Return what says why the stream has ended, and where to go on from."""
        raise NotImplementedError


class EventStream(StreamForm):
    """Server-sent events. A browser that connects again sends the last id in Last-Event-ID."""

    media_type = EventSourceResponse.media_type

    def item(self, json: bytes, position: int) -> bytes:
        return b"data: %b\nid: %d\n\n" % (in_one_line(json), position)

    def beat(self, position: int) -> bytes:
        # An event without data is none to a browser, but its id counts.
        return b": alive\nid: %d\n\n" % position

    def end(self, why: End, position: int) -> bytes:
        said = to_json({"end": why.word, "detail": why.sentence, "next": position}).decode()
        retry = random.randint(*RETRY_MILLISECONDS)  # noqa: S311
        return format_sse_event(data_str=said, event="end", id=str(position), retry=retry)


class Lines(StreamForm):
    """A JSON object a line. Those that are no items have the member next, and at the end the member end."""

    media_type = NDJSON

    def item(self, json: bytes, position: int) -> bytes:
        return in_one_line(json) + b"\n"

    def beat(self, position: int) -> bytes:
        return b'{"next":%d}\n' % position

    def end(self, why: End, position: int) -> bytes:
        return to_json({"next": position, "end": why.word, "detail": why.sentence}) + b"\n"


def in_one_line(json: bytes) -> bytes:
    """Return JSON without the characters that many libraries take for the end of a line, such as U+2028: escaped."""
    if any(character in json for character in _LINE_ENDS):
        for character, escaped in _LINE_ENDS.items():
            json = json.replace(character, escaped)
    return json


_LINE_ENDS = {char.encode(): b"\\u%04x" % ord(char) for char in "\x85\u2028\u2029"}

FORMS: dict[str, StreamForm] = {form.media_type: form for form in (EventStream(), Lines())}


class Reader(NamedTuple):
    """Who reads a stream: the credential it was opened with, and whether that is still good."""

    credential: Hashable
    check: Check


class StreamedAnswer(EventSourceResponse):
    """An answer that lasts until its feed ends or its client leaves."""

    def __init__(
        self,
        open_feed: Callable[[], AbstractContextManager[StreamFeed]],
        form: StreamForm,
        streams: Streams,
        reader: Reader,
    ) -> None:
        self._open_feed = open_feed
        self._form = form
        self._streams = streams
        self._reader = reader
        self.status_code = HTTPStatus.OK
        self.background = None
        self.media_type = form.media_type
        # X-Accel-Buffering keeps nginx from holding back what was sent.
        self.init_headers({"Cache-Control": "no-store", "X-Accel-Buffering": "no"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        last = b""
        if not scope.get(IS_HEAD):
            with resting(), self._open_feed() as feed, self._streams.opened(feed, *self._reader):
                leaving = asyncio.create_task(_left(receive, feed), name="client of a stream")
                try:
                    reached = await self._tell(feed, send)
                finally:
                    leaving.cancel()
                last = self._form.end(feed.ended or End.FAILED, reached)
        await send({"type": "http.response.body", "body": last})

    async def _tell(self, feed: StreamFeed, send: Send) -> int:
        """Send what the feed has, until it ends. Return the position up to which everything was sent."""
        part = StreamPart((), feed.position)
        while True:
            # The first of all is a heartbeat, which says from where the stream goes on.
            await self._send(part.items or [self._form.beat(part.next)], feed, send)
            if feed.ended is not None:
                return part.next
            part = await self._more(feed)

    async def _send(self, items: Sequence[bytes], feed: StreamFeed, send: Send) -> None:
        """Send items. If the client takes nothing for too long meanwhile, the feed ends."""
        size, piece = 0, []
        for n, item in enumerate(items, start=1):
            piece.append(item)
            size += len(item)
            if size >= PIECE or n == len(items):
                began = monotonic()
                await send({"type": "http.response.body", "body": b"".join(piece), "more_body": True})
                await asyncio.sleep(0)  # only at the end of a turn do we know whether it was too much
                size, piece = 0, []
                if monotonic() - began > SLOW_SECONDS:
                    feed.end(End.SLOW)

    async def _more(self, feed: StreamFeed) -> StreamPart:
        """Return the next part. The database may be away for a while, and the stream goes on after it."""
        deadline = monotonic() + self._streams.heartbeat_seconds
        while feed.ended is None and monotonic() < deadline:
            renew()
            try:
                return await feed.more(deadline - monotonic())
            except Unavailable:
                await asyncio.sleep(PAUSE_SECONDS)
            except BeyondHead:
                feed.end(End.BEYOND_HEAD)
            except NotFound:
                feed.end(End.GONE)
            except Exception:
                _log.exception("A stream failed")
                feed.end(End.FAILED)
        return StreamPart((), feed.position)


async def _left(receive: Receive, feed: StreamFeed) -> None:
    """Wait until the client has left, and end what nobody reads any more."""
    while (await receive())["type"] != "http.disconnect":
        pass
    feed.end(End.GONE)
