"""A request and its answer, as the server keeps them while one is received and the other sent."""

import asyncio

from starlette.requests import ClientDisconnect
from starlette.types import Message
from uvicorn._types import HTTPScope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from api.http.reading.headers import Headers


class Cycle(RequestResponseCycle):
    """What uvicorn keeps of a request and its answer. It makes an event only for those who wait for one."""

    # Few requests use these, so making a cycle does not set them. Reading them is slower.
    chunked_encoding: bool | None = None
    expected_content_length = 0
    access_log = False

    def __init__(
        self, protocol: HttpToolsProtocol, scope: HTTPScope, headers: Headers, *, keep_alive: bool, is_asked: bool
    ) -> None:
        """Take a request whose head has come. is_asked: the client sends the body when it is asked for it."""
        self.scope = scope
        self.headers = headers
        self.transport = protocol.transport
        self.flow = protocol.flow
        self.logger = protocol.logger
        self.default_headers = protocol.server_state.default_headers
        self.on_response = protocol.on_response_complete
        self.keep_alive = keep_alive
        self.waiting_for_100_continue = is_asked
        self.body = bytearray()
        self.more_body = True
        self.disconnected = self.response_started = self.response_complete = False
        self._event: asyncio.Event | None = None

    @property
    def message_event(self) -> asyncio.Event:  # type: ignore[override]
        """Set when there is something to receive."""
        if self._event is None:
            self._event = asyncio.Event()
            if self.body or not self.more_body or self.disconnected or self.response_complete:
                self._event.set()
        return self._event

    def wake(self) -> None:
        """Tell those who wait that there is something to receive."""
        if self._event is not None:
            self._event.set()

    async def whole_body(self) -> bytes:
        """Return the request's body when all of it has come. The application can still read it.

        Raises ClientDisconnect.
        """
        while self.more_body and not self.disconnected:
            self.flow.resume_reading()  # it was paused if the body is large
            self.message_event.clear()
            await self.message_event.wait()
        if self.more_body:
            raise ClientDisconnect
        return bytes(self.body)

    async def receive_again(self) -> Message:
        """Return the whole body, which has come. The application can still read it."""
        return {"type": "http.request", "body": bytes(self.body), "more_body": False}
