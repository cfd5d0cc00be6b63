"""Which addresses messages may be sent to: those of the public internet, and those that the operator allows."""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import httpcore

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

_ALLOW = "whoever runs this can allow it with ORDERTRAIL_WEBHOOK_NETWORKS"
_NOT_SECURE = "Messages go over the public internet with https:// only"
_NAT64 = IPv6Network("64:ff9b::/96")
_COMPATIBLE = IPv6Network("::/96")
_OF_CLOUDS = (IPv4Network("168.63.129.16/32"), IPv4Network("192.0.0.0/24"))
"""Metadata services that count as public: Azure's, and Oracle's by some releases of Python."""

_LOOPBACK = IPv4Address("127.0.0.1")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
_LONGEST_NAME = 253
_INNER = {"internal", "local"}
"""The last parts of names that each network has for itself (ICANN for internal, RFC 6762 for local)."""


class ForbiddenAddress(httpcore.ConnectError):
    """The address is not one that messages may be sent to."""


async def resolve(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a host."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def address_of(host: str) -> Address | None:
    """Return the address that a URL's host is; None if it is a name that has to be looked up. Raises ValueError.

    Resolvers read a number such as 0x7f000001 as an address too: whatever ends like one has to be one as it is written.
    """
    host = host.removesuffix(".").lower()
    if ":" in host or _NUMBER.fullmatch(host.rpartition(".")[2]):
        return ip_address(host)
    if len(host) > _LONGEST_NAME or not all(map(_LABEL.fullmatch, host.split("."))):
        raise ValueError(f"{host!r} is no host name")
    # RFC 6761, 6.3: it is never anything else, whatever a resolver says.
    return _LOOPBACK if host.rpartition(".")[2] == "localhost" else None


def is_inner(name: str) -> bool:
    """Whether a name that is no address has no meaning on the public internet."""
    _, *more = name.removesuffix(".").lower().split(".")
    return not more or more[-1] in _INNER


def is_public(address: Address) -> bool:
    """Whether an address is one of the public internet, also if it stands for one of the older internet."""
    inner = _inner(address)
    if inner is not None and not is_public(inner):
        return False
    if address.version == 6 and address in _NAT64:
        return True
    is_of_cloud = address.version == 4 and any(address in network for network in _OF_CLOUDS)
    return address.is_global and not (address.is_multicast or address.is_reserved or is_of_cloud)


def _inner(address: Address) -> IPv4Address | None:
    """Return the IPv4 address that an IPv6 address leads to."""
    if isinstance(address, IPv4Address):
        return None
    if address in _NAT64 or address in _COMPATIBLE:
        return IPv4Address(address.packed[-4:])
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)


class Guard(httpcore.AsyncNetworkBackend):
    """Connects to addresses that it has checked itself, so that a name cannot lead elsewhere in between.

    If one of a name's addresses is forbidden, none is used. Without is_secure, only allowed networks are connected to.
    """

    def __init__(self, allowed: Iterable[Network], *, is_secure: bool, resolve: Resolve = resolve) -> None:
        self._allowed = tuple(allowed)
        self._is_secure = is_secure
        self._resolve = resolve
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 httpcore's own
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = await self._checked(host, port)
        error: Exception | None = None
        for address in addresses:
            try:
                return await self._backend.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as failure:
                error = failure
        raise error or httpcore.ConnectError(f"{host} has no address")

    async def sleep(self, seconds: float) -> None:
        await self._backend.sleep(seconds)

    async def _checked(self, host: str, port: int) -> Sequence[str]:
        """Return the addresses of a host. Raises ForbiddenAddress, ConnectError."""
        try:
            addresses = await self._resolve(host, port)
        except OSError as failure:
            raise httpcore.ConnectError(f"{host} cannot be looked up: {failure.strerror or failure}") from failure
        for address in addresses:
            self.require(address)
        return addresses

    def require_name(self, name: str) -> None:
        """Raise ForbiddenAddress if a name can lead to no address that may be connected to."""
        if self._allowed:
            return
        if not self._is_secure:
            raise ForbiddenAddress(_NOT_SECURE)
        if is_inner(name):
            raise ForbiddenAddress(f"{name} is no name of the public internet; {_ALLOW}")

    def require(self, address: str) -> None:
        """Raise ForbiddenAddress if an address may not be connected to."""
        plain = ip_address(address.partition("%")[0])
        if any(plain.version == network.version and plain in network for network in self._allowed):
            return
        if not is_public(plain):
            raise ForbiddenAddress(f"{plain} is no address of the public internet; {_ALLOW}")
        if not self._is_secure:
            raise ForbiddenAddress(_NOT_SECURE)
