"""The straight way of a hot write: from the connection to its endpoint and back, without ASGI's messages in between.

These messages, and the layers that pass them on, take about as long as the encryption of an append.
"""

from asyncio import CancelledError
from collections.abc import Sequence
from functools import partial

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HEADER_VALUE_RE, STATUS_LINE

from api.http.exchange import Exchange, Exchanges
from api.http.hot import Found, HotRoutes
from api.http.request_ids import RAW_HEADER
from api.http.requests import Json
from api.server.cycle import Cycle
from application.runtime.request_context import current


class StraightWay:
    """Answers hot writes as the application does. All other requests are for the application itself."""

    def __init__(self, front: Exchanges) -> None:
        assert isinstance(front.app, HotRoutes)
        self._hot = front.app
        self._front = front
        self._said = _Said()

    def find(self, cycle: Cycle) -> Found | None:
        """Return the route of a request if it is answered here.

        An endpoint that takes the whole request may ask who sent it. Behind a proxy, only the application knows that.
        """
        if cycle.waiting_for_100_continue or (found := self._hot.find(cycle.scope)) is None:
            return None
        return found if found.route.is_straight else None

    async def answer(self, cycle: Cycle, found: Found, app: ASGI3Application) -> None:
        """Answer a request of this route, or leave it to the application."""
        scope: Scope = cycle.scope  # type: ignore[assignment]
        exchange = Exchange(scope, cycle.send, cycle.headers)  # type: ignore[arg-type]
        current.set(exchange)
        response: ASGIApp | None
        try:
            response = await self._hot.respond(found, scope, cycle.headers, cycle.receive_again, cycle.whole_body)
        except CancelledError:
            # The server ends, and has waited for this request as long as it may.
            response = self._front.refusal(Request(scope, cycle.receive_again))
        except Exception as error:
            response = _failing(error)
        if response is None:
            await cycle.run_asgi(app)
            return
        try:
            if type(response) is not Json or cycle.flow.write_paused or not self._write(cycle, response, exchange):
                await cycle.run_asgi(partial(_answer, response, exchange))
        finally:
            exchange.end(self._front.observe)

    def _write(self, cycle: Cycle, response: Json, exchange: Exchange) -> bool:
        """Write a whole answer, and end its cycle as the server does. Return whether its headers can be sent."""
        headers = response.raw_headers
        if HEADER_VALUE_RE.search(b"".join([value for _, value in headers])):
            return False  # the server says what is wrong with them
        exchange.begins(response.status_code)
        if not cycle.disconnected:
            closing = b"" if cycle.keep_alive else b"connection: close\r\n"
            cycle.transport.write(
                b"%b%b%b%b: %b\r\n%b\r\n%b"
                % (
                    STATUS_LINE[response.status_code],
                    self._said.of(cycle.default_headers),
                    header_lines(headers),
                    RAW_HEADER,
                    exchange.id.encode(),
                    closing,
                    bytes(response.body),
                )
            )
            cycle.response_started = cycle.response_complete = True
            cycle.wake()
            if not cycle.keep_alive:
                cycle.transport.close()
            cycle.on_response()
        cycle.on_response = _nothing
        return True


def header_lines(headers: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Return headers as they are sent."""
    return b"".join([b"%b: %b\r\n" % header for header in headers])


class _Said:
    """The headers that every answer has, as they are sent. They are new each second, because they tell the time."""

    def __init__(self) -> None:
        self._headers: Sequence[tuple[bytes, bytes]] = ()
        self._bytes = b""

    def of(self, headers: Sequence[tuple[bytes, bytes]]) -> bytes:
        if headers is not self._headers:
            self._headers, self._bytes = headers, header_lines(headers)
        return self._bytes


async def _answer(response: ASGIApp, exchange: Exchange, scope: Scope, receive: Receive, send: Send) -> None:
    await response(scope, receive, exchange)


def _failing(error: Exception) -> ASGIApp:
    """Return an application that fails with an error, which the server then reports."""

    async def fail(scope: Scope, receive: Receive, send: Send) -> None:
        raise error

    return fail


def _nothing() -> None:
    pass
