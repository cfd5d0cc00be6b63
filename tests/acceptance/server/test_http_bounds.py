"""What a client may have a worker hold of a request, and for how long: no credential is needed to try."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from api.server import connection_watch
from api.server.protocol import MAX_HEAD, StrictProtocol
from api.server.transport import OrderlyTransport
from tests.raw_http import Connection, connected

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
LARGE = 64 * 2**20


async def _echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with how long the body is, or, at /large, with much."""
    assert scope["type"] == "http"
    size, more = 0, scope["path"] != "/early"
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size, more = size + len(message["body"]), message["more_body"]
    body = b"x" * LARGE if scope["path"] == "/large" else b"%d" % size
    length = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    for n in range(0, len(body), 2**18):
        await send({"type": "http.response.body", "body": body[n : n + 2**18], "more_body": n + 2**18 < len(body)})


@pytest.fixture
async def url(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """A server of this process, which has little patience."""
    monkeypatch.setattr(connection_watch, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(OrderlyTransport, "LEAVE_SECONDS", 0.2)
    for name in ("HEAD_SECONDS", "BODY_SECONDS", "ANSWER_SECONDS"):
        monkeypatch.setattr(connection_watch, name, 0.5)
    config = uvicorn.Config(_echo, port=0, http=StrictProtocol, log_config=None, lifespan="off", timeout_keep_alive=3)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 it tells nobody
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    await serving


@pytest.fixture
async def connection(url: str) -> AsyncIterator[Connection]:
    async with connected(url) as connection:
        yield connection


@pytest.mark.parametrize("is_in_pieces", [False, True])
@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"a" * MAX_HEAD + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /?" + b"a=1&" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + b"a" * MAX_HEAD + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * (MAX_HEAD // 6) + b"\r\n",
    ],
    ids=["path", "query", "header", "headers"],
)
async def test_a_head_that_is_too_large_is_refused(connection: Connection, head: bytes, is_in_pieces: bool) -> None:
    if is_in_pieces:
        for n in range(0, len(head), 1_000):
            await connection.send(head[n : n + 1_000])
            await asyncio.sleep(0)
    else:
        await connection.send(head)

    answer = await connection.answer()

    assert answer.status == 431
    assert answer.json()["type"] == "urn:ordertrail:problem:head-too-large"
    assert await connection.end() == b""


@pytest.mark.parametrize(
    "head", [b"GET /", b"GET / HTTP/1.1\r\nA: ", b"GET / HTTP/1.1\r\n", b"\r\n"], ids=["path", "header", "headers", "-"]
)
async def test_a_head_without_end_is_refused(connection: Connection, head: bytes) -> None:
    await connection.send(head)
    repeated = b"A: b\r\n" if head.endswith(b"1.1\r\n") else head[-1:]

    await connection.send(repeated * MAX_HEAD)

    assert (await connection.answer()).status == 431


async def test_a_head_that_is_almost_too_large_is_taken(connection: Connection) -> None:
    await connection.send(b"GET /" + b"a" * (MAX_HEAD - 100) + b" HTTP/1.1\r\nHost: x\r\n\r\n")

    assert (await connection.answer()).status == 200


async def test_what_comes_after_the_last_piece_of_a_body_is_bounded(connection: Connection) -> None:
    await connection.send(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nTrailer: ")
    for _ in range(40):
        await asyncio.sleep(0)  # so that it does not all come at once
        await connection.send(b"a" * MAX_HEAD)

    assert (await connection.answer()).status == 431


async def test_requests_that_do_not_wait_for_answers_are_few(connection: Connection) -> None:
    await connection.send(REQUEST * 10_000)

    assert len(await connection.end()) < 100_000


async def test_some_requests_that_do_not_wait_for_answers_are_answered_in_turn(connection: Connection) -> None:
    await connection.send(REQUEST * 10)

    assert [(await connection.answer()).status for _ in range(10)] == [200] * 10


@pytest.mark.parametrize("sent", [b"", b"GET /", REQUEST[:-2]], ids=["nothing", "path", "headers"])
async def test_who_does_not_send_a_request_is_let_go(connection: Connection, sent: bytes) -> None:
    await connection.send(sent)

    assert await connection.end() == b""


async def test_a_connection_without_a_request_is_kept_after_an_answer(connection: Connection) -> None:
    for _ in range(3):
        await connection.send(REQUEST)
        assert (await connection.answer()).status == 200
        await asyncio.sleep(2 * connection_watch.HEAD_SECONDS)


async def test_a_connection_that_was_idle_for_long_is_closed(connection: Connection) -> None:
    await connection.send(REQUEST)
    await connection.answer()

    assert await connection.end() == b""


async def test_who_does_not_send_the_next_request_to_its_end_is_let_go(connection: Connection) -> None:
    await connection.send(REQUEST)
    await connection.answer()

    await connection.send(REQUEST[:-2])

    assert await connection.end() == b""


async def test_who_does_not_send_the_rest_of_a_body_is_let_go(connection: Connection) -> None:
    await connection.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")

    assert await connection.end() == b""


async def test_what_is_sent_beyond_the_announced_length_is_no_part_of_the_body(connection: Connection) -> None:
    await connection.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n{")
    answer = await connection.answer()

    await connection.send(b"}{}")

    assert (answer.status, answer.body) == (200, b"1")
    assert (await connection.answer()).status == 400


async def test_a_body_of_two_lengths_is_no_request(connection: Connection) -> None:
    await connection.send(
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    )

    assert (await connection.answer()).status == 400


@pytest.mark.parametrize(
    "offer",
    [
        b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk",
        b"Connection: upgrade\r\nUpgrade: websocket",
    ],
)
@pytest.mark.parametrize(
    "body", [b"Content-Length: 5\r\n\r\n12345", b"Transfer-Encoding: chunked\r\n\r\n2\r\n12\r\n3\r\n345\r\n0\r\n\r\n"]
)
@pytest.mark.parametrize("step", [10_000, 7, 1])
async def test_who_offers_another_protocol_is_answered_as_ever(
    connection: Connection, offer: bytes, body: bytes, step: int
) -> None:
    request = b"POST / HTTP/1.1\r\nHost: x\r\n%b\r\n%b" % (offer, body)
    sent = (request + REQUEST) * 3

    for n in range(0, len(sent), step):
        await connection.send(sent[n : n + step])
        await asyncio.sleep(0)

    assert [(await connection.answer()).body for _ in range(6)] == [b"5", b"0"] * 3


async def test_many_who_offer_another_protocol_at_once_are_few(connection: Connection) -> None:
    await connection.send(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n" * 10_000)

    assert len(await connection.end()) < 100_000


async def test_who_sends_a_body_slowly_is_waited_for(connection: Connection) -> None:
    await connection.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n")
    for _ in range(10):
        await asyncio.sleep(0.1)
        await connection.send(b"x")

    assert (await connection.answer()).body == b"10"


async def test_who_does_not_take_an_answer_is_let_go(connection: Connection) -> None:
    await connection.send(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")

    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await connection.late_answer(LARGE, seconds=2)


async def test_an_answer_that_comes_before_the_request_is_over_is_the_last(connection: Connection) -> None:
    await connection.send(b"POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")

    answer = await connection.answer()

    assert (answer.status, answer.headers["connection"]) == (200, "close")
    assert await connection.end() == b""
