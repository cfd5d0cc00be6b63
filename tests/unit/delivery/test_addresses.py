"""Messages go to addresses that were checked, and to none that is not public unless the operator allows it."""

from collections.abc import Sequence
from ipaddress import ip_address, ip_network

import httpcore
import pytest

from infrastructure.delivery.addresses import ForbiddenAddress, Guard, is_public
from infrastructure.delivery.sender import HttpSender
from tests.receiver import answer, receiving

LOOPBACK = (ip_network("127.0.0.1/32"),)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.100.100.200", "192.0.0.192",
        "168.63.129.16", "0.0.0.0", "255.255.255.255", "224.0.0.1", "240.0.0.1", "198.18.0.1", "203.0.113.1",
        "::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1", "::ffff:127.0.0.1",
        "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:a9fe:a9fe::1",
        "64:ff9b:1::a00:1",
    ],
)  # fmt: skip
def test_an_address_that_is_not_public_is_known(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", ["93.184.216.34", "8.8.8.8", "2606:4700:4700::1111", "64:ff9b::808:808"])
def test_public_addresses_are_known(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize("addresses", [["10.0.0.1"], ["93.184.216.34", "169.254.169.254"], ["fe80::1%eth0"]])
async def test_a_name_that_leads_to_a_forbidden_address_is_not_connected_to(addresses: list[str]) -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return addresses

    with pytest.raises(ForbiddenAddress, match="ORDERTRAIL_WEBHOOK_NETWORKS"):
        await Guard((), is_secure=True, resolve=resolve).connect_tcp("shop.example", 443)


async def test_plain_http_goes_to_allowed_networks_only() -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return ["93.184.216.34"]

    with pytest.raises(ForbiddenAddress, match="https:// only"):
        await Guard(LOOPBACK, is_secure=False, resolve=resolve).connect_tcp("shop.example", 80)


async def test_a_name_that_is_unknown_is_a_failure_to_connect() -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        raise OSError("Name or service not known")

    with pytest.raises(httpcore.ConnectError, match="cannot be looked up"):
        await Guard((), is_secure=True, resolve=resolve).connect_tcp("no.example", 443)


async def test_a_name_that_changes_is_checked_for_each_connection_and_looked_up_once_for_it() -> None:
    lookups: list[str] = []

    async def resolve(host: str, port: int) -> Sequence[str]:
        lookups.append(host)
        return ["127.0.0.1"] if len(lookups) == 1 else ["169.254.169.254"]

    async with receiving() as receiver:
        receiver.decide = lambda _: answer(200, connection="close")
        sender = HttpSender(LOOPBACK, seconds=30, resolve=resolve)
        url = f"http://shop.example:{receiver.port}/hooks"
        first, second = [await sender.send(url, {"webhook-id": "1"}, b"{}") for _ in range(2)]
        await sender.close()

    assert (first.status, first.error) == (200, None)
    assert receiver.received[0].headers["host"] == f"shop.example:{receiver.port}"
    assert second.status is None
    assert (second.error or "").startswith("169.254.169.254 is no address of the public internet")
    assert lookups == ["shop.example"] * 2


async def test_a_redirect_is_not_followed_and_an_endless_answer_is_cut_off() -> None:
    async with receiving() as receiver, receiving() as inside:
        sender = HttpSender(LOOPBACK, seconds=30)
        receiver.decide = lambda _: answer(302, location=inside.url)
        redirected = await sender.send(receiver.url, {}, b"{}")
        receiver.decide = lambda _: b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 10**6
        endless = await sender.send(receiver.url, {}, b"{}")
        await sender.close()

    assert (redirected.status, inside.received) == (302, [])
    assert (endless.status, len(endless.body)) == (200, 16 * 1024)
