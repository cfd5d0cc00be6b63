"""A connection that breaks loses no event and records none twice, wherever it breaks."""

import select
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Thread
from typing import Any

import psycopg
import pytest
from eventsourcing.persistence import IntegrityError, OperationalError, StoredEvent, Tracking
from eventsourcing.utils import Environment
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from infrastructure.library import OrdertrailFactory
from infrastructure.library.database import TRIES, ConnectionLost

END_SESSIONS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


class Proxy:
    """Stands between the recorders and PostgreSQL, and breaks a connection where a test wants it broken."""

    def __init__(self, dsn: str) -> None:
        server = conninfo_to_dict(dsn)
        self._host, self._port = str(server["host"]), int(server.get("port") or 5432)
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        self.dsn = make_conninfo(dsn, host="127.0.0.1", port=port, sslmode="disable", gssencmode="disable")
        self._pattern = b""
        self._is_after_answer = False
        self._on_cut: Callable[[], Any] = lambda: None
        self.cuts = 0
        self._threads = [Thread(target=self._accept)]
        self._threads[0].start()

    def cut(
        self, pattern: bytes, *, after_answer: bool, times: int = 1, then: Callable[[], Any] = lambda: None
    ) -> None:
        """Break connections that carry this to the server: before it gets there, or once the server has answered."""
        self._pattern, self._is_after_answer, self.cuts, self._on_cut = pattern, after_answer, times, then

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._threads.append(Thread(target=self._forward, args=[client]))
                self._threads[-1].start()

    def _connected(self) -> socket.socket:
        if not self._host.startswith("/"):
            return socket.create_connection((self._host, self._port))
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{self._host}/.s.PGSQL.{self._port}")
        return server

    def _forward(self, client: socket.socket) -> None:
        with suppress(OSError), client, self._connected() as server:
            is_cutting = False
            while True:
                for source in select.select([client, server], [], [])[0]:
                    data = source.recv(65_536)
                    if source is client and self.cuts and self._pattern in data:
                        self.cuts -= 1
                        is_cutting = True
                    if not data or (is_cutting and self._is_after_answer == (source is server)):
                        if data:
                            self._on_cut()
                        return
                    (server if source is client else client).sendall(data)


@pytest.fixture
def proxy(dsn: str) -> Iterator[Proxy]:
    proxy = Proxy(dsn)
    yield proxy
    proxy.close()


@pytest.fixture
def factory(proxy: Proxy) -> Iterator[OrdertrailFactory]:
    factory = OrdertrailFactory(Environment("Shop", {"ORDERTRAIL_DSN": proxy.dsn}))
    yield factory
    factory.close()


@pytest.fixture
def direct(dsn: str) -> Iterator[OrdertrailFactory]:
    """The same ledger without the proxy."""
    factory = OrdertrailFactory(Environment("Shop", {"ORDERTRAIL_DSN": dsn}))
    yield factory
    factory.close()


def events(*versions: int) -> list[StoredEvent]:
    return [StoredEvent("a", version, "topic", b"written by the test") for version in versions]


@pytest.mark.parametrize("after_answer", [True, False], ids=["after the commit", "before the append"])
def test_an_append_whose_connection_breaks_is_recorded_once(
    proxy: Proxy, factory: OrdertrailFactory, after_answer: bool
) -> None:
    recorder = factory.application_recorder()
    recorder.insert_events([StoredEvent("a", 1, "topic", b"")])
    proxy.cut(b"written by the test", after_answer=after_answer)

    assert recorder.insert_events(events(2, 3)) == [2, 3]

    assert proxy.cuts == 0
    assert [event.originator_version for event in recorder.select_events("a")] == [1, 2, 3]
    assert recorder.max_notification_id() == 3


@pytest.mark.parametrize("pattern", [b"COMMIT", b"written by the test"])
@pytest.mark.parametrize("after_answer", [True, False], ids=["after the answer", "before it gets there"])
def test_events_and_their_tracking_are_recorded_once_wherever_the_connection_breaks(
    proxy: Proxy, factory: OrdertrailFactory, pattern: bytes, after_answer: bool
) -> None:
    recorder = factory.process_recorder()
    proxy.cut(pattern, after_answer=after_answer)

    assert recorder.insert_events(events(1), tracking=Tracking("Upstream", 7)) == [1]

    assert proxy.cuts == 0
    assert recorder.max_notification_id() == 1
    assert recorder.max_tracking_id("Upstream") == 7


def test_an_append_that_another_writer_overtook_while_it_was_lost_is_refused(
    proxy: Proxy, factory: OrdertrailFactory, direct: OrdertrailFactory
) -> None:
    recorder, other = factory.application_recorder(), direct.application_recorder()
    overtake = StoredEvent("a", 1, "topic", b"overtaken")
    proxy.cut(b"written by the test", after_answer=False, then=lambda: other.insert_events([overtake]))

    with pytest.raises(IntegrityError, match="version_conflict"):
        recorder.insert_events(events(1))

    assert recorder.select_events("a") == [overtake]


def test_an_append_whose_connection_breaks_every_time_is_given_up_and_still_recorded_once(
    proxy: Proxy, factory: OrdertrailFactory
) -> None:
    recorder = factory.application_recorder()
    proxy.cut(b"written by the test", after_answer=True, times=1_000)

    with pytest.raises(OperationalError, match="they may or may not be recorded"):
        recorder.insert_events(events(1))

    assert proxy.cuts == 1_000 - TRIES
    assert recorder.max_notification_id() == 1


def test_a_read_whose_connection_breaks_is_repeated(proxy: Proxy, factory: OrdertrailFactory) -> None:
    recorder = factory.application_recorder()
    recorder.insert_events(events(1))
    proxy.cut(b"ordertrail.events", after_answer=True)

    assert recorder.select_events("a") == events(1)

    assert proxy.cuts == 0


def test_tracking_without_events_is_not_repeated_because_nobody_could_tell_whose_it_is(
    proxy: Proxy, factory: OrdertrailFactory
) -> None:
    recorder = factory.tracking_recorder()
    proxy.cut(b"COMMIT", after_answer=True)

    with pytest.raises(ConnectionLost):
        recorder.insert_tracking(Tracking("Upstream", 7))

    assert recorder.max_tracking_id("Upstream") == 7


def test_sessions_that_the_server_ended_are_replaced(dsn: str, direct: OrdertrailFactory) -> None:
    recorder = direct.application_recorder()
    recorder.insert_events(events(1))
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute(END_SESSIONS)

    assert recorder.insert_events(events(2)) == [2]


def test_a_subscription_goes_on_when_the_server_ended_its_sessions(dsn: str, direct: OrdertrailFactory) -> None:
    recorder = direct.application_recorder()
    recorder.insert_events(events(1))

    with recorder.subscribe() as subscription, psycopg.connect(dsn, autocommit=True) as admin:
        assert next(subscription).id == 1
        for version in (2, 3):
            admin.execute(END_SESSIONS)
            recorder.insert_events(events(version))

            assert next(subscription).id == version


def test_a_statement_that_the_server_cancels_is_not_taken_for_a_lost_connection(direct: OrdertrailFactory) -> None:
    def sleep_longer_than_allowed() -> None:
        with direct.tracking_recorder()._reading() as cursor:
            cursor.execute("SET statement_timeout = 50")
            cursor.execute("SELECT pg_sleep(60)")

    with pytest.raises(OperationalError, match="statement timeout") as error:
        sleep_longer_than_allowed()

    assert not isinstance(error.value, ConnectionLost)


def test_a_recorder_of_a_closed_factory_says_so(factory: OrdertrailFactory) -> None:
    recorder = factory.application_recorder()
    factory.close()

    with pytest.raises(OperationalError, match="closed"):
        recorder.insert_events(events(1))
