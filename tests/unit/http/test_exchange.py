"""A request that is given up is answered, and observed, as any other."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Message, Receive, Scope, Send

from api.http.exchange import Exchanges

SCOPE: Scope = {"type": "http", "method": "GET", "headers": [(b"x-request-id", b"r-1")], "path": "/", "raw_path": b"/"}


async def never(scope: Scope, receive: Receive, send: Send) -> None:
    await asyncio.Event().wait()


async def begun(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await asyncio.Event().wait()


def refused(request: Request, error: Exception) -> Response:
    return PlainTextResponse(str(error), 503)


async def receive_nothing() -> Message:
    raise AssertionError


async def cancelled(app: Any) -> tuple[list[Message], list[int]]:
    """Return what an application sends whose task is cancelled, and the statuses that were observed."""
    sent: list[Message] = []
    observed: list[int] = []

    async def send(message: Message) -> None:
        sent.append(message)

    def observe(scope: Mapping[str, Any], status: int, seconds: float) -> None:
        observed.append(status)

    task = asyncio.create_task(Exchanges(app, observe, refused)(dict(SCOPE), receive_nothing, send))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})
    if task.cancelled():
        sent.append({"type": "cancelled"})
    return sent, observed


async def test_a_request_that_the_server_gives_up_is_answered() -> None:
    sent, observed = await cancelled(never)

    assert [message.get("status") for message in sent] == [503, None]
    assert (b"x-request-id", b"r-1") in sent[0]["headers"]
    assert b"shutting down" in sent[1]["body"]
    assert observed == [503]


async def test_an_answer_that_has_begun_is_not_begun_again() -> None:
    sent, observed = await cancelled(begun)

    assert [message["type"] for message in sent] == ["http.response.start", "cancelled"]
    assert observed == [200]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_head_is_asked_for_as_its_whole_answer_is(method: str) -> None:
    asked: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        asked.append(scope["method"])

    await Exchanges(app, lambda *_: None, refused)({**SCOPE, "method": method}, receive_nothing, _drop)

    assert asked == ["GET"]


async def _drop(message: Message) -> None:
    pass
