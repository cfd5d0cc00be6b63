"""The server keeps its bounds, and its counts, however the requests of a connection come."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
from uvicorn.server import ServerState

from api.http.exchange import Exchanges
from api.server import connection_watch
from api.server.crowd import Crowd
from api.server.cycle import Cycle
from api.server.door import Door
from api.server.protocol import MAX_HEAD, StrictProtocol, protocol_in
from application.runtime.admission import Overloaded, Ticket

GET = b"GET /%b HTTP/1.1\r\nHost: t\r\nX-Request-Id: r-%b\r\n\r\n"


class FullDoor(Door):
    """Lets in only requests for /wait and /."""

    def ticket(self, method: str, path: bytes, headers: Any) -> Ticket | None:
        if path not in {b"/wait", b"/"}:
            raise Overloaded(is_told=True)
        return super().ticket(method, path, headers)


class Worker:
    """A worker's connections, and an application that answers with how long the body is; at /wait when it may."""

    def __init__(self, door: Door | None = None) -> None:
        self.door = door or Door()
        self.may_answer = asyncio.Event()
        self.protocols: list[StrictProtocol] = []
        self._state = ServerState()
        self._config = uvicorn.Config(
            Exchanges(self._answer, lambda *_: None, None),  # type: ignore[arg-type]
            log_config=None,
            lifespan="off",
            ws="none",
            timeout_keep_alive=1,
        )
        self._config.load()
        self._protocol = protocol_in(Crowd(), self.door)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/wait":
            await self.may_answer.wait()
        size, more = 0, True
        while more:
            message = await receive()
            size, more = size + len(message.get("body", b"")), message.get("more_body", False)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]})
        await send({"type": "http.response.body", "body": b"%d" % size})

    def _connect(self) -> StrictProtocol:
        protocol = self._protocol(config=self._config, server_state=self._state, app_state={})
        self.protocols.append(protocol)
        return protocol

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        server = await asyncio.get_running_loop().create_server(self._connect, "127.0.0.1", 0)
        async with server, asyncio.timeout(10):
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            try:
                yield reader, writer
            finally:
                writer.close()

    @property
    def counted(self) -> int:
        """The number of reads that are counted as under way."""
        return self.door._reads.under_way

    async def until_counted(self, number: int) -> None:
        while self.counted != number:  # noqa: ASYNC110 it tells nobody
            await asyncio.sleep(0.001)


def large(size: int) -> bytes:
    return b"GET / HTTP/1.1\r\nHost: t\r\nX: " + b"x" * size + b"\r\n\r\n"


async def statuses(reader: asyncio.StreamReader) -> list[bytes]:
    return re.findall(rb"HTTP/1\.1 (\d+)", await reader.read())


@pytest.mark.parametrize(
    "pieces",
    [
        [GET % (b"", b"1") + large(MAX_HEAD)],
        [GET % (b"", b"1") + large(MAX_HEAD)[:-10], large(MAX_HEAD)[-10:]],
        [b"POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\n\r\na", b"bc" + large(MAX_HEAD)],
    ],
    ids=["behind a request", "its end apart", "behind a body"],
)
async def test_a_head_that_comes_with_an_earlier_request_has_the_same_bound(pieces: list[bytes]) -> None:
    async with Worker().connection() as (reader, writer):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.05)

        assert (await statuses(reader))[-1] == b"431"


async def test_requests_whose_client_has_left_are_not_counted_any_more() -> None:
    worker = Worker()

    async with worker.connection() as (_, writer):
        writer.write(GET % (b"wait", b"0") + GET % (b"", b"1") * 5)
        await worker.until_counted(6)
        writer.close()
        worker.may_answer.set()
        await worker.until_counted(0)


async def test_a_refusal_that_has_to_wait_has_the_id_of_its_own_request() -> None:
    worker = Worker(FullDoor())

    async with worker.connection() as (first, writer), worker.connection() as (second, other):
        writer.write(GET % (b"wait", b"0") + GET % (b"x", b"1"))
        await worker.until_counted(1)
        other.write(GET % (b"x", b"2"))
        await second.readuntil(b"x-request-id: r-2\r\n")
        worker.may_answer.set()

        assert b" 200 " in await first.readuntil(b"x-request-id: r-0\r\n")
        assert b" 503 " in await first.readuntil(b"x-request-id: r-1\r\n")


async def test_a_refused_request_that_comes_in_pieces_leaves_no_connection_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection_watch, "LOOK_SECONDS", 0.05)

    async with Worker(FullDoor()).connection() as (reader, writer):
        writer.write(b"POST /x HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\n\r\n12")
        assert b" 503 " in await reader.readuntil(b"\r\n\r\n")
        writer.write(b"34")

        await reader.read()


async def test_an_answer_after_the_server_was_told_to_end_is_the_last() -> None:
    worker = Worker()

    async with worker.connection() as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\n\r\n12")
        while not worker.protocols or worker.protocols[0].cycle is None:  # noqa: ASYNC110 it tells nobody
            await asyncio.sleep(0.001)
        worker.protocols[0].shutdown()
        writer.write(b"34")

        assert b"connection: close" in (await reader.read()).lower()


async def test_a_fault_of_ours_while_a_head_is_taken_is_logged_and_told(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Door):
        def ticket(self, *_: Any) -> Ticket | None:
            raise ZeroDivisionError

    with caplog.at_level(logging.ERROR):
        async with Worker(Broken()).connection() as (reader, writer):
            writer.write(GET % (b"", b"0"))
            assert await statuses(reader) == [b"500"]

    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize(("target", "status"), [(b"http://t", b"200"), (b"http://t/", b"200"), (b"t:x", b"400")])
async def test_a_target_with_a_host_is_read(target: bytes, status: bytes) -> None:
    async with Worker().connection() as (reader, writer):
        writer.write(b"GET " + target + b" HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n")

        assert await statuses(reader) == [status]


async def test_a_cycle_has_all_that_uvicorns_has() -> None:
    config = uvicorn.Config(lambda: None, log_config=None, lifespan="off")  # type: ignore[arg-type, return-value]
    protocol = StrictProtocol(config=config, server_state=ServerState(), app_state={})
    protocol.flow = FlowControl(protocol.transport)
    cycle = Cycle(protocol, {}, {}, keep_alive=True, is_asked=False)  # type: ignore[typeddict-item]

    theirs = RequestResponseCycle.__init__.__code__.co_names

    assert [name for name in theirs if not hasattr(cycle, name) and name not in {"access_logger", "bytearray"}] == []
