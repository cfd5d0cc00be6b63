"""HTTP as our workers speak it."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.native.errors import render
from api.problems import Kind, Problem
from api.request_ids import HEADER, new_request_id


class StrictProtocol(HttpToolsProtocol):
    """HTTP as uvicorn speaks it, but for its answer to what it cannot read: that has no path, so it gets ours."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(_JoiningTransport(transport, self.loop))  # type: ignore[arg-type]

    def send_400_response(self, msg: str) -> None:
        response = render(Problem(Kind.MALFORMED, msg))
        # Whatever id it brought could not be read either.
        response.headers[HEADER] = new_request_id()
        headers = b"".join(b"%b: %b\r\n" % header for header in response.raw_headers)
        body = bytes(response.body)
        self.transport.write(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n%b\r\n%b" % (headers, body))
        self.transport.close()


class _JoiningTransport:
    """A transport that sends what is written in one turn of the event loop at once.

    An answer's head and body are written one after the other: each would be a call of the kernel and a packet.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._written: list[bytes] = []

    def write(self, data: bytes) -> None:
        if not self._written:
            self._loop.call_soon(self._send)
        self._written.append(data)

    def close(self) -> None:
        self._send()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def _send(self) -> None:
        if self._written:
            self._transport.write(b"".join(self._written))
            self._written.clear()
