"""The straight way of hot writes answers as the application does, however a request arrives."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from api.http.exchange import Exchanges
from api.server.crowd import Crowd
from api.server.protocol import protocol_in
from api.server.straight import StraightWay
from tests.hot_app import App

BODY = b'{"size": 3}'
MAX_BODY_BYTES = 200_000


def request(
    *headers: str, body: bytes = BODY, line: str = "PUT /things/a HTTP/1.1", length: int | None = None
) -> bytes:
    """Return a request. Unless headers say so, it is the last on its connection."""
    sent = ["Host: t", "Authorization: me", "Content-Type: application/json", "X-Request-Id: r-1", *headers]
    if length != 0:
        sent.append(f"Content-Length: {len(body) if length is None else length}")
    if not any(header.startswith("Connection") for header in headers):
        sent.append("Connection: close")
    return "\r\n".join([line, *sent]).encode() + b"\r\n\r\n" + body


KEPT = request("Connection: keep-alive")
CASES: dict[str, Sequence[bytes]] = {
    "at once": [request()],
    "with a key and a wrong condition": [request("Idempotency-Key: k", "If-Match: x,y", "Expect: 100-continue")],
    "with a wrong condition": [request("Idempotency-Key: k", "If-Match: x,y")],
    "with headers": [request("X-Mark: 7", "Idempotency-Key: k", 'If-Match: "3"')],
    "head and body apart": [request(body=b"", length=len(BODY)), BODY],
    "byte by byte": [bytes([byte]) for byte in request()],
    "one after the other": [KEPT, KEPT, request()],
    "several at once": [KEPT + KEPT + request()],
    "of an unknown sender": [request("Authorization: you").replace(b"Authorization: me\r\n", b"")],
    "refused by the endpoint": [request(body=b'{"size": -1}')],
    "not valid": [request(body=b'{"size": "x"}')],
    "no JSON": [request(body=b"{")],
    "empty": [request(body=b"")],
    "another type": [request().replace(b"application/json", b"text/plain")],
    "large": [request(body=BODY + b" " * 180_000)],
    "too large": [request(body=BODY + b" " * MAX_BODY_BYTES)],
    "by HTTP/1.0": [request(line="PUT /things/a HTTP/1.0")],
    "a proxy's": [request("X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: https")],
    "no content length": [request("Transfer-Encoding: chunked", body=b"b\r\n" + BODY + b"\r\n0\r\n\r\n", length=0)],
    "asked for the body": [request("Expect: 100-continue", body=b"", length=len(BODY)), BODY],
    "a read": [request(line="GET /things HTTP/1.1", body=b"", length=0)],
    "another route": [request(line="PUT /others/a HTTP/1.1")],
}


class Way:
    """A server with the straight way, or without it, and what it has observed."""

    def __init__(self, *, is_straight: bool) -> None:
        self.app = App(max_body_bytes=MAX_BODY_BYTES)
        self.observed: list[tuple[int, bool]] = []
        self.state = ServerState()
        front = Exchanges(self.app.hot, self._observe, App.render)
        config = uvicorn.Config(front, log_config=None, lifespan="off", ws="none")
        config.load()
        straight = StraightWay(front) if is_straight else None
        protocol = protocol_in(Crowd(), None, straight)
        self._make: Callable[[], asyncio.Protocol] = lambda: protocol(
            config=config, server_state=self.state, app_state={}
        )

    def _observe(self, scope: Any, status: int, seconds: float) -> None:
        self.observed.append((status, seconds > 0))

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        server = await asyncio.get_running_loop().create_server(self._make, "127.0.0.1", 0)
        async with server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            try:
                yield reader, writer
            finally:
                writer.close()

    async def answer(self, *pieces: bytes) -> bytes:
        """Send pieces one after the other, and return all that is answered."""
        async with self.connection() as (reader, writer), asyncio.timeout(10):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.001 if len(piece) == 1 else 0.02)
            return await reader.read()


async def until(is_so: Callable[[], bool]) -> None:
    while not is_so():  # noqa: ASYNC110 another task's turn
        await asyncio.sleep(0.001)


@pytest.mark.parametrize("pieces", CASES.values(), ids=CASES.keys())
async def test_both_ways_answer_alike(pieces: Sequence[bytes]) -> None:
    ways = Way(is_straight=True), Way(is_straight=False)

    straight, ordinary = [await way.answer(*pieces) for way in ways]

    assert straight.startswith(b"HTTP/1.1 ")
    assert sorted(straight.lower().split(b"\r\n")) == sorted(ordinary.lower().split(b"\r\n"))
    assert ways[0].observed == ways[1].observed
    assert ways[0].app.asked == ways[1].app.asked


async def test_a_hot_write_goes_past_the_application(monkeypatch: pytest.MonkeyPatch) -> None:
    way = Way(is_straight=True)
    monkeypatch.setattr(Exchanges, "__call__", None)

    large = request("Connection: keep-alive", body=BODY + b" " * 180_000)

    with_key = request("Connection: keep-alive", "Idempotency-Key: k", 'If-Match: "3"')

    answer = await way.answer(KEPT, large, with_key, request(body=b"", length=len(BODY)), BODY)

    assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"200"] * 4
    assert b'"key":"k"' in answer
    assert way.observed == [(200, True)] * 4
    assert way.state.total_requests == 4
    assert way.app.handed_on == 0


async def test_what_was_cut_off_is_not_recorded() -> None:
    way = Way(is_straight=True)

    async with way.connection() as (_, writer), asyncio.timeout(10):
        writer.write(request(length=len(BODY) + 1))  # a blank is missing
        await writer.drain()
        await until(lambda: bool(way.state.tasks))
        writer.close()
        await until(lambda: not way.state.tasks)

    assert way.app.handed_on == 1


@pytest.mark.parametrize("is_straight", [True, False])
async def test_a_client_that_leaves_in_the_middle_leaves_nothing_behind(is_straight: bool) -> None:
    way = Way(is_straight=is_straight)

    async with way.connection() as (_, writer), asyncio.timeout(10):
        writer.write(request(body=b'{"si', length=len(BODY)))
        await writer.drain()
        await until(lambda: bool(way.state.tasks))
        writer.close()
        await until(lambda: not way.state.tasks)

    assert not way.state.connections


async def test_a_request_that_the_server_gives_up_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    way = Way(is_straight=True)
    monkeypatch.setattr(way.app.hot, "respond", lambda *_: asyncio.Event().wait())

    async with way.connection() as (reader, writer), asyncio.timeout(10):
        writer.write(request())
        await until(lambda: bool(way.state.tasks))
        [task] = way.state.tasks
        await asyncio.sleep(0.01)
        task.cancel()
        answer = await reader.read()

    assert answer.startswith(b"HTTP/1.1 418 ")
    assert b"Unavailable" in answer
    assert way.observed == [(418, True)]


async def test_a_fault_of_ours_is_an_error_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    way = Way(is_straight=True)

    def fail(*_: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(way.app.hot, "respond", fail)

    assert (await way.answer(request())).startswith(b"HTTP/1.1 500 ")
