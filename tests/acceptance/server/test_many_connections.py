"""A client with very many connections shuts nobody out."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import httpx
import pytest

from api.bootstrap import set_up_database
from api.settings import read_settings
from tests.fix_embedded import wait_until
from tests.fix_postgres import database
from tests.outage import Served, served

MOST = 40


@pytest.fixture(scope="module")
def server(server_dsn: str, template_name: str) -> Iterator[Served]:
    """A server with few connections, to which the tests are no trusted proxy."""
    settings = {"ORDERTRAIL_MAX_CONNECTIONS": str(MOST), "ORDERTRAIL_TRUSTED_PROXIES": "192.0.2.1"}
    with database(server_dsn, template=template_name) as dsn:
        set_up_database(dsn, read_settings())
        with served("--dsn", dsn, **settings) as running:
            yield running


def open_connection(server: Served, sent: bytes = b"") -> socket.socket:
    address = urlsplit(server.url)
    connection = socket.create_connection((address.hostname or "", address.port or 0), timeout=25)
    connection.sendall(sent)
    return connection


def test_silent_connections_make_room_for_those_who_ask_and_the_log_says_so(server: Served) -> None:
    with ExitStack() as stack:
        for _ in range(5 * MOST):
            stack.enter_context(open_connection(server))

        answers = [httpx.get(f"{server.url}/healthz", timeout=25) for _ in range(5)]

    assert [answer.status_code for answer in answers] == [200] * 5
    wait_until(lambda: len(server.told("There are too many connections")) == 1)
    [said] = server.told("There are too many connections")
    assert f"{MOST} are open; idle ones are closed" in said
    assert "127.0.0.1" in said


def test_heads_that_never_end_make_room_as_well(server: Served) -> None:
    with ExitStack() as stack:
        for _ in range(2 * MOST):
            stack.enter_context(open_connection(server, b"GET / HTTP/1.1\r\nHost: x\r\nA: "))

        assert httpx.get(f"{server.url}/healthz", timeout=25).status_code == 200


def test_requests_under_way_are_not_cut_off_and_whoever_comes_then_is_told_to_come_again(server: Served) -> None:
    head = b"POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n"
    wait_until(lambda: httpx.get(f"{server.url}/healthz", timeout=25).status_code == 200)
    with ExitStack() as stack:
        under_way = [stack.enter_context(open_connection(server, head)) for _ in range(MOST)]
        wait_until(lambda: refusal(server).startswith(b"HTTP/1.1 503"))
        refused = refusal(server)
        for connection in under_way:
            connection.sendall(b"{}")
        answers = [connection.recv(4_096) for connection in under_way]

    assert b"retry-after: 1\r\n" in refused.lower()
    assert all(answer.startswith(b"HTTP/1.1 400") for answer in answers), answers


def refusal(server: Served) -> bytes:
    """Connect, and return what comes before anything is sent."""
    with open_connection(server) as connection:
        connection.settimeout(2)
        try:
            return connection.recv(4_096)
        except TimeoutError:
            return b""
