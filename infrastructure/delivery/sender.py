"""Sends messages over HTTP to addresses that are allowed. It follows no redirect and uses no proxy."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import httpcore
import httpx

from application.delivery.errors import UnacceptableUrl
from application.delivery.webhooks.port import Answer
from infrastructure.delivery.addresses import ForbiddenAddress, Guard, Network, Resolve, address_of, resolve

SECONDS = 15.0
"""How long a receiver may take, from the connection to the last byte of its answer."""
CONNECT_SECONDS = 5.0
MAX_BYTES = 16 * 1024
"""How much of an answer is read."""
MAX_URL = 2_000
MAX_CONNECTIONS, KEEP_SECONDS = 200, 30


class HttpSender:
    """Implements application.delivery.webhooks.port.Sender."""

    def __init__(
        self, allowed: Iterable[Network] = (), *, seconds: float | None = None, resolve: Resolve = resolve
    ) -> None:
        networks = tuple(allowed)
        self._seconds = SECONDS if seconds is None else seconds
        self._guards = {
            "https": Guard(networks, is_secure=True, resolve=resolve),
            "http": Guard(networks, is_secure=False, resolve=resolve),
        }
        self._pools: dict[str, httpcore.AsyncConnectionPool] = {}

    async def close(self) -> None:
        for pool in self._pools.values():
            await pool.aclose()

    def check(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise UnacceptableUrl(f"It is not a URL: {error}") from error
        if parts.scheme not in self._guards or not host or len(url) > MAX_URL or port == 0:
            raise UnacceptableUrl("Name a URL that begins with https:// and a host name")
        if ("[" in parts.netloc) != (":" in host):
            raise UnacceptableUrl("Only an IPv6 address has brackets around it")
        if parts.username is not None or parts.password is not None or parts.fragment:
            raise UnacceptableUrl("A URL with a user name, a password or a fragment is not taken")
        if not url.isascii() or not url.isprintable() or " " in url:
            raise UnacceptableUrl("Write the URL in ASCII, without spaces: encode other characters")
        self._check_host(host, self._guards[parts.scheme])

    @staticmethod
    def _check_host(host: str, guard: Guard) -> None:
        """Raise UnacceptableUrl if it can be told without looking it up that nothing is sent to a host."""
        try:
            address = address_of(host)
        except ValueError as error:
            raise UnacceptableUrl(f"It names no host: {error}") from error
        try:
            if address is None:
                guard.require_name(host)
            else:
                guard.require(str(address))
        except ForbiddenAddress as error:
            raise UnacceptableUrl(str(error)) from error

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        since = time.monotonic()
        status: int | None = None
        answered: dict[str, str] = {}
        content, error = b"", None
        try:
            self.check(url)
            async with asyncio.timeout(self._seconds), self._stream(url, headers, body) as response:
                status = response.status
                answered = {name.decode("latin-1"): value.decode("latin-1") for name, value in response.headers}
                content = await _beginning(response)
        except TimeoutError:
            error = f"The receiver took longer than {self._seconds:.0f} s"
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, UnacceptableUrl) as failure:
            error = str(failure) or type(failure).__name__
        except (OSError, ValueError, httpcore.UnsupportedProtocol) as failure:
            error = f"{type(failure).__name__}: {failure}"
        if error is not None:
            # A receiver that answers and then hangs has not taken the message.
            status = None
        return Answer(status, _lower(answered), content.decode("utf-8", "replace"), error, time.monotonic() - since)

    def _pool(self, scheme: str) -> httpcore.AsyncConnectionPool:
        # Reading the trusted certificates takes time that most processes need not spend.
        if scheme not in self._pools:
            self._pools[scheme] = httpcore.AsyncConnectionPool(
                ssl_context=httpx.create_ssl_context(),
                max_connections=MAX_CONNECTIONS,
                keepalive_expiry=KEEP_SECONDS,
                network_backend=self._guards[scheme],
            )
        return self._pools[scheme]

    @asynccontextmanager
    async def _stream(self, url: str, headers: Mapping[str, str], body: bytes) -> AsyncIterator[httpcore.Response]:
        parts = urlsplit(url)
        timeouts = {"connect": CONNECT_SECONDS, "read": self._seconds, "write": self._seconds, "pool": self._seconds}
        sent = {"host": parts.netloc, "content-length": str(len(body)), **headers}
        async with self._pool(parts.scheme).stream(
            "POST", url, headers=list(sent.items()), content=body, extensions={"timeout": timeouts}
        ) as response:
            yield response


@asynccontextmanager
async def http_sender(allowed: Iterable[Network]) -> AsyncIterator[HttpSender]:
    """Yield a sender, whose connections are closed at the end."""
    sender = HttpSender(allowed)
    try:
        yield sender
    finally:
        await sender.close()


async def _beginning(response: httpcore.Response) -> bytes:
    """Return the beginning of an answer. The rest is not waited for: the connection is closed then."""
    parts: list[bytes] = []
    size = 0
    async for part in response.aiter_stream():
        parts.append(part)
        size += len(part)
        if size >= MAX_BYTES:
            break
    return b"".join(parts)[:MAX_BYTES]


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
