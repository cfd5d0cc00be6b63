"""A request and its answer: what is known of both while the request is answered."""

from asyncio import CancelledError
from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.reading.headers import Headers, headers_of
from api.http.request_ids import RAW_HEADER, id_of_request
from api.http.tickets import ticket_of
from api.http.tracing import traceparent_of
from application.runtime.request_context import RequestContext, current
from domain.errors import Unavailable
from domain.values import SaidOrigin

Observe = Callable[[Mapping[str, Any], int, float], None]
"""Takes the scope of a request, the status of its answer, and the seconds until it began; 0 if there was none."""
Render = Callable[[Request, Exception], Response]

ENDING = "This process is shutting down; try again"
IS_HEAD = "ordertrail.is_head"
"""What says in a scope that the request asks for the head of an answer alone."""
MAX_PATH = 2_000


class Exchange(RequestContext):
    """A request with the place where its answer goes. It sends the answer on with the request's id, and times it."""

    __slots__ = ("_began", "_scope", "_send", "freshness", "headers", "seconds", "status")

    def __init__(self, scope: Scope, send: Send, headers: Headers) -> None:
        super().__init__(id_of_request(headers), ticket=ticket_of(scope))
        self.headers = headers
        self.freshness: Mapping[str, str] = {}
        """The headers about the freshness of the views that it has read."""
        self._scope = scope
        self._send = send
        self._began = perf_counter()
        self.status = 0
        self.seconds = 0.0

    @property
    def origin(self) -> SaidOrigin:
        # The path as it was sent, because a decoded path may hold characters that events must not. No route's path is
        # cut here.
        scope = self._scope
        said = {"method": scope["method"], "path": scope["raw_path"].decode("ascii", "replace")[:MAX_PATH]}
        if (traceparent := traceparent_of(self.headers)) is not None:
            said["traceparent"] = traceparent
        return said

    def begins(self, status: int) -> None:
        """Note that the answer begins now, with this status."""
        self.status = status
        self.seconds = perf_counter() - self._began

    def end(self, observe: Observe) -> None:
        """Give up the request's place, and tell those who observe what became of it."""
        if self.ticket is not None:
            self.ticket.leave()
        observe(self._scope, self.status, self.seconds)

    def __call__(self, message: Message) -> Awaitable[None]:
        # A coroutine of its own for each message would take as long as all of this.
        if message["type"] == "http.response.start":
            self.begins(message["status"])
            message["headers"] = [*message["headers"], (RAW_HEADER, self.id.encode())]
        return self._send(message)


class Exchanges:
    """Makes the current request known everywhere in an application, and its answer to those who observe."""

    def __init__(self, app: ASGIApp, observe: Observe, render: Render) -> None:
        self.app = app
        self.observe = observe
        self.render = render

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if scope["method"] == "HEAD":
            # The server sends the head of the answer alone.
            scope = {**scope, "method": "GET", IS_HEAD: True}
        exchange = Exchange(scope, send, headers_of(scope))
        current.set(exchange)
        try:
            await self.app(scope, receive, exchange)
        except CancelledError:
            # The server ends, and has waited for this request as long as it may.
            if exchange.status:
                raise
            await self.refusal(Request(scope))(scope, receive, exchange)
        finally:
            exchange.end(self.observe)

    def refusal(self, request: Request) -> Response:
        """Return the answer to a request that the server gives up because it ends."""
        return self.render(request, Unavailable(ENDING, is_told=True))


def current_exchange() -> Exchange | None:
    """Return the exchange that is under way; None outside of one."""
    exchange = current.get()
    return exchange if isinstance(exchange, Exchange) else None
