"""A proxy in front of PostgreSQL, which loses connections at the worst moments."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Literal

from psycopg.conninfo import conninfo_to_dict, make_conninfo

READY = b"Z\x00\x00\x00\x05I"
"""What the server ends its reply with: the statement is over, and what it wrote is committed."""

Loss = Literal["request", "reply"]


class Proxy:
    """Forwards connections from a TCP port to a server."""

    def __init__(self, dsn: str) -> None:
        given = conninfo_to_dict(dsn)
        self._host, self._server_port = str(given["host"]), int(given.get("port") or 5432)
        self._given = dsn
        self._server: asyncio.Server | None = None
        self._port = 0
        self._connections: set[asyncio.StreamWriter] = set()
        self._forgotten: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loses: Loss | None = None
        self._is_gone_after = False
        self._speaks = asyncio.Event()
        self._speaks.set()
        self.delay_seconds = 0.0
        """How long everything is on its way."""
        self.accepted = 0

    @property
    def dsn(self) -> str:
        return make_conninfo(self._given, host="127.0.0.1", port=self._port, sslmode="disable", gssencmode="disable")

    async def open(self) -> None:
        """Accept connections, on the same port as before."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    def refuse(self) -> None:
        """Accept no connections; those there are go on."""
        if self._server is not None:
            self._server.close()

    async def close(self) -> None:
        """Accept no connections, and cut those there are."""
        self.refuse()
        self._server = None
        self.speak()
        await asyncio.sleep(0)  # so that whoever was let in just now is followed
        while self._tasks:
            self.cut()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        for connection in self._connections:
            connection.transport.abort()

    def lose(self, loss: Loss, *, and_stay_away: bool = False) -> None:
        """Lose what the client sends next, before the server sees it; or the reply, when the server is done."""
        self._loses = loss
        self._is_gone_after = and_stay_away

    @property
    def is_idle(self) -> bool:
        """Whether nobody is connected."""
        return not self._connections

    def forget(self) -> None:
        """Let the connections there are lead nowhere, as a firewall does with those that were idle."""
        self._forgotten |= self._connections

    def fall_silent(self) -> None:
        """Accept connections and forward nothing, as a host does that hangs."""
        self._speaks.clear()

    def speak(self) -> None:
        """Forward what was kept back, and everything from now on."""
        self._speaks.set()

    def _lost(self) -> None:
        self._loses = None
        if self._is_gone_after and self._server is not None:
            self._server.close()
        self.cut()

    async def _accept(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        self.accepted += 1
        self._follow(asyncio.current_task())  # type: ignore[arg-type]
        try:
            replies, server = await self._connected()
        except OSError:  # the server is away
            client.close()
            return
        self._connections |= {client, server}
        for pump in (self._pump(reader, server, "request"), self._pump(replies, client, "reply")):
            self._follow(asyncio.create_task(pump))
        if self._server is None:
            self.cut()

    def _follow(self, task: "asyncio.Task[None]") -> None:
        """Wait for a task before the proxy is closed."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._host.startswith("/"):
            return await asyncio.open_unix_connection(f"{self._host}/.s.PGSQL.{self._server_port}")
        return await asyncio.open_connection(self._host, self._server_port)

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, what: Loss) -> None:
        with suppress(ConnectionError):
            while data := await source.read(2**16):
                await self._speaks.wait()
                if self.delay_seconds:
                    await asyncio.sleep(self.delay_seconds)
                if target in self._forgotten:
                    continue
                if self._loses == what:
                    if what == "request" or data.endswith(READY):
                        self._lost()
                    continue
                target.write(data)
                await target.drain()
        target.close()
        with suppress(ConnectionError):
            await target.wait_closed()
        self._connections.discard(target)


@asynccontextmanager
async def open_proxy(dsn: str) -> AsyncIterator[Proxy]:
    proxy = Proxy(dsn)
    await proxy.open()
    try:
        yield proxy
    finally:
        await proxy.close()
