"""Messages go to addresses that were checked, and to none that is not public unless the operator allows it."""

from collections.abc import Sequence
from ipaddress import ip_address, ip_network

import httpcore
import pytest

from application.delivery.errors import UnacceptableUrl
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


INSIDE = [
    "localhost", "LOCALHOST", "localhost.", "shop.localhost", "127.0.0.1.", "10.0.0.7", "[::1]", "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]", "[fe80::1%25eth0]", "169.254.169.254", "metadata.google.internal",
    "printer.local.", "receiver",
]  # fmt: skip
NO_HOSTS = [
    "0x7f000001", "0X7F.1", "2130706433", "0177.0.0.1", "127.1", "0", "4294967296", "256.256.256.256", "a.123",
    "h..example", ".example", "-x.example", "a" * 64 + ".example", "h%6fst.example", "127.0.0.1%2f.example",
    "h\\.example", "[v1.x]", "h$.example", "1.2.3", "[127.0.0.1]", ".", "localhost..",
]  # fmt: skip


@pytest.mark.parametrize("host", [*INSIDE, *NO_HOSTS])
async def test_a_host_that_is_not_public_is_told_without_looking_it_up(host: str) -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        raise AssertionError(host)

    sender = HttpSender(resolve=resolve)
    with pytest.raises(UnacceptableUrl) as refused:
        sender.check(f"https://{host}/hooks")

    assert (host in INSIDE) == ("ORDERTRAIL_WEBHOOK_NETWORKS" in str(refused.value))
    assert (await sender.send(f"https://{host}/hooks", {}, b"{}")).error == str(refused.value)


@pytest.mark.parametrize(
    "host",
    ["shop.example", "shop.example.", "SHOP.example:8443", "a_b.example", "xn--nxasmq6b.example", "a.1b", "8.8.8.8"],
)
def test_a_name_is_looked_up_when_something_is_sent(host: str) -> None:
    HttpSender().check(f"https://{host}/hooks")


def test_plain_http_is_refused_at_once_where_no_network_is_allowed() -> None:
    with pytest.raises(UnacceptableUrl, match="https:// only"):
        HttpSender().check("http://shop.example/hooks")
    HttpSender(LOOPBACK).check("http://shop.example/hooks")
    for name in ("localhost", "receiver", "receiver.internal"):
        HttpSender(LOOPBACK).check(f"http://{name}/hooks")


@pytest.mark.parametrize("form", ["0x7f000001", "2130706433", "127.1", "localhost", "localhost.", "ip6-localhost"])
async def test_no_form_of_an_inner_address_leads_inside(form: str) -> None:
    async with receiving() as inside:
        for scheme in ("http", "https"):
            answered = await HttpSender().send(f"{scheme}://{form}:{inside.port}/hooks", {}, b"{}")
            assert answered.status is None

    assert inside.received == []


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
