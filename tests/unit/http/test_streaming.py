"""Streamed answers: what a client reads that is slow, that leaves, or whose stream fails."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from api.http import streaming
from api.http.streaming import EventStream, Lines, Reader, StreamedAnswer, StreamForm, StreamPart
from application.delivery.follower import End
from application.delivery.streams import Streams
from domain.errors import BeyondHead, OrderNotFound, Unavailable

LONG = 30.0


class FakeFeed:
    """A feed that gives what it is given, and then nothing."""

    def __init__(self, *parts: StreamPart | Exception) -> None:
        self.position = 0
        self.ended: End | None = None
        self._parts = list(parts)
        self._has_ended = asyncio.Event()

    def end(self, why: End) -> None:
        self.ended = self.ended or why
        self._has_ended.set()

    async def more(self, seconds: float) -> StreamPart:
        if self._parts:
            part = self._parts.pop(0)
            if isinstance(part, Exception):
                raise part
            self.position = part.next
            return part
        await asyncio.wait_for(self._has_ended.wait(), LONG)
        return StreamPart((), self.position)


class Client:
    """A client that takes what it is sent, unless it is told not to."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        self.takes = asyncio.Event()
        self.takes.set()
        self.has_left = asyncio.Event()

    async def send(self, message: dict[str, Any]) -> None:
        await self.takes.wait()
        self.taken.append(message)

    async def receive(self) -> dict[str, Any]:
        await self.has_left.wait()
        return {"type": "http.disconnect"}

    @property
    def text(self) -> str:
        return b"".join(message.get("body", b"") for message in self.taken).decode()

    async def reads(self, text: str) -> None:
        while text not in self.text:  # noqa: ASYNC110 what is waited for is another task's turn
            await asyncio.sleep(0)


async def allowed() -> None:
    """Let everybody have the stream."""


def answering(feed: FakeFeed, client: Client, form: StreamForm, **options: Any) -> asyncio.Task[None]:
    """Answer with a stream of this feed."""

    @contextmanager
    def opened() -> Iterator[FakeFeed]:
        yield feed

    answer = StreamedAnswer(opened, form, Streams(**options), Reader("k1", allowed))
    return asyncio.create_task(answer({"type": "http"}, client.receive, client.send))


async def test_a_slow_client_is_cut_off_and_can_read_why_and_where_to_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(streaming, "SLOW_SECONDS", 0.05)
    feed, client = FakeFeed(StreamPart([b"1\n"], 1), StreamPart([b"2\n"], 2), StreamPart([b"3\n"], 3)), Client()
    answer = answering(feed, client, Lines())
    await client.reads('{"next":0}\n')
    client.takes.clear()
    await asyncio.sleep(0.1)
    client.takes.set()
    await asyncio.wait_for(answer, LONG)

    *items, last = client.text.splitlines()[1:]
    said = json.loads(last)
    assert said["end"] == "slow"
    assert said["next"] == len(items)  # what was not sent comes after that
    assert feed.ended is End.SLOW


async def test_a_stream_ends_when_its_client_leaves() -> None:
    feed, client = FakeFeed(StreamPart([b"1\n"], 1)), Client()
    answer = answering(feed, client, Lines())
    await client.reads("1\n")

    client.has_left.set()

    await asyncio.wait_for(answer, LONG)


@pytest.mark.parametrize(
    ("error", "why"),
    [(BeyondHead(2, 1), "beyond-head"), (OrderNotFound("A"), "gone"), (RuntimeError("secret"), "failed")],
)
async def test_a_stream_that_cannot_go_on_says_why(
    error: Exception, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    client = Client()
    await asyncio.wait_for(answering(FakeFeed(StreamPart([b"1"], 1), error), client, EventStream()), LONG)

    assert f'"end":"{why}"' in client.text
    assert '"next":1' in client.text
    assert "secret" not in client.text
    assert bool(caplog.records) == (why == "failed")


async def test_a_stream_outlives_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "PAUSE_SECONDS", 0.0)
    feed, client = FakeFeed(Unavailable(), Unavailable(), StreamPart([b"1\n"], 1)), Client()
    answer = answering(feed, client, Lines())

    await client.reads("1\n")

    feed.end(End.SHUTDOWN)
    await asyncio.wait_for(answer, LONG)


async def test_what_came_with_the_end_is_not_counted_as_sent() -> None:
    """The client goes on where it was, not where the feed was."""
    feed, client = FakeFeed(StreamPart([b"1\n"], 1)), Client()
    more = feed.more

    async def more_and_end(seconds: float) -> StreamPart:
        part = await more(seconds)
        feed.end(End.LIFE_OVER)
        return part

    feed.more = more_and_end  # type: ignore[method-assign]
    await asyncio.wait_for(answering(feed, client, Lines()), LONG)

    assert client.text.splitlines()[1] == "1"
    assert json.loads(client.text.splitlines()[2])["next"] == 1


@pytest.mark.parametrize("form", [EventStream(), Lines()])
def test_nothing_in_an_item_ends_its_line(form: StreamForm) -> None:
    value = {"text": "".join(map(chr, [*range(0x20), 0x7F, 0x85, 0x2028, 0x2029]))}
    split: Callable[[bytes], list[str]] = lambda item: item.decode().strip("\n").splitlines()  # noqa: E731

    line = split(form.item(json.dumps(value, ensure_ascii=False).encode(), 7))[0]

    assert json.loads(line.removeprefix("data: ")) == value
