"""A server that is told to end: its port closes at once, and everybody who was let in gets an answer."""

import socket
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from api.bootstrap import set_up_database
from api.settings import read_settings
from tests.fix_embedded import wait_until
from tests.fix_postgres import database
from tests.outage import Served, new_token, read, served, write

WRITERS, READERS = 60, 4


@pytest.fixture
def dsn(server_dsn: str, template_name: str) -> Iterator[str]:
    with database(server_dsn, template=template_name) as dsn:
        set_up_database(dsn, read_settings())
        yield dsn


def takes_connections(server: Served) -> bool:
    address = urlsplit(server.url)
    try:
        socket.create_connection((address.hostname or "", address.port or 0), timeout=25).close()
    except ConnectionRefusedError:
        return False
    return True


def waiting(dsn: str) -> int:
    statement = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with psycopg.connect(dsn) as connection:
        found = connection.execute(statement).fetchone()
    assert found is not None
    return int(found[0])


def test_what_cannot_be_stored_any_more_is_refused_in_time_while_the_port_is_closed(dsn: str) -> None:
    with (
        served("--dsn", dsn, token=new_token(dsn)) as server,
        psycopg.connect(dsn) as holder,
        ThreadPoolExecutor(WRITERS + READERS) as pool,
    ):
        with server.client() as http:
            assert write(http).status_code == 201
        holder.execute("LOCK ordertrail.ledgers, ordertrail.order_state")

        def sent(n: int) -> httpx.Response:
            with server.client() as http:
                return write(http, f"B-{n}") if n < WRITERS else read(http)

        asked = [pool.submit(sent, n) for n in range(WRITERS + READERS)]
        wait_until(lambda: waiting(dsn) > 0)
        wait_until(lambda: established(server) >= len(asked))
        server.process.terminate()

        wait_until(lambda: not takes_connections(server))
        assert not any(future.done() for future in asked), "the port closes first"
        answers = [future.result() for future in asked]
        server.process.wait(30)
        log = server.log

    assert Counter(answer.status_code for answer in answers) == {503: len(asked)}
    told = Counter(answer.json()["detail"].split(";")[0].split(".")[0] for answer in answers)
    assert told["This process is shutting down"] >= READERS
    assert all(answer.headers["x-request-id"] for answer in answers)
    assert "Traceback" not in log, log


def established(server: Served) -> int:
    return sum(each.status == "ESTABLISHED" for each in server.child("http").net_connections("tcp"))
