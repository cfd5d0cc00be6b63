"""A receiver of webhooks: a real server whose answers a test decides, and which remembers what it was sent."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

HANG = b""
"""The answer of a receiver that does not answer."""


@dataclass
class Received:
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def data(self) -> dict[str, Any]:
        data: dict[str, Any] = json.loads(self.body)["data"]
        return data


def answer(status: int = 204, **headers: str) -> bytes:
    lines = [
        f"HTTP/1.1 {status} Told",
        "content-length: 0",
        *(f"{n.replace('_', '-')}: {v}" for n, v in headers.items()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


@dataclass
class Receiver:
    port: int = 0
    received: list[Received] = field(default_factory=list)
    decide: Callable[[Received], bytes] = lambda _: answer()
    _came: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks?token=s3cret"

    @property
    def positions(self) -> list[int]:
        return [received.data["position"] for received in self.received]

    async def until(self, is_enough: Callable[["Receiver"], bool]) -> None:
        """Wait until what was received is enough."""
        async with asyncio.timeout(60), self._came:
            await self._came.wait_for(lambda: is_enough(self))

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                headers = {n.lower(): v for n, _, v in (line.partition(": ") for line in head[1:] if line)}
                received = Received(headers, await reader.readexactly(int(headers["content-length"])))
                async with self._came:
                    self.received.append(received)
                    said = self.decide(received)
                    self._came.notify_all()
                if said == HANG:
                    await reader.read()
                    return
                writer.write(said)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def receiving(port: int = 0) -> AsyncIterator[Receiver]:
    """Yield a receiver that listens on loopback, until the context ends: then it has disappeared."""
    receiver = Receiver()
    server = await asyncio.start_server(receiver.handle, "127.0.0.1", port)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        server.close_clients() if hasattr(server, "close_clients") else None
