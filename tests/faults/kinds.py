"""The kinds of faults. Entering one begins it, and leaving it ends it, as far as somebody has to."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import NamedTuple

import psutil
import psycopg

from tests.faults.system import System
from tests.fix_embedded import wait_until

Fault = Callable[[System], AbstractContextManager[None]]


class Kind(NamedTuple):
    """A kind of fault, and how long it lasts."""

    name: str
    fault: Fault
    seconds: float
    is_short: bool
    """Whether the short form has it as well."""


KINDS: list[Kind] = []


def _kind(
    name: str, *, seconds: float = 3.0, is_short: bool = False
) -> Callable[[Callable[[System], Iterator[None]]], Fault]:
    """Make a generator function a kind of fault."""

    def make(function: Callable[[System], Iterator[None]]) -> Fault:
        fault = contextmanager(function)
        KINDS.append(Kind(name, fault, seconds, is_short))
        return fault

    return make


@_kind("a worker is killed", seconds=0, is_short=True)
def _worker_killed(system: System) -> Iterator[None]:
    system.server.child("http").kill()
    yield


@_kind("the projector is killed", seconds=0, is_short=True)
def _projector_killed(system: System) -> Iterator[None]:
    system.server.child("projector").kill()
    yield


@_kind("the server is killed, and started again", seconds=0)
def _server_killed(system: System) -> Iterator[None]:
    system.kill_all()
    yield
    system.restart()


@_kind("the server is told to end, and started again", seconds=0)
def _server_ended(system: System) -> Iterator[None]:
    system.server.process.terminate()
    system.server.process.wait(30)
    yield
    system.restart()


@_kind("a worker stands still (SIGSTOP)", seconds=14)
def _worker_stopped(system: System) -> Iterator[None]:
    worker = system.server.child("http")
    worker.suspend()
    yield
    with suppress(psutil.NoSuchProcess):
        worker.resume()


@_kind("the projector stands still (SIGSTOP)", seconds=14)
def _projector_stopped(system: System) -> Iterator[None]:
    projector = system.server.child("projector")
    projector.suspend()
    yield
    with suppress(psutil.NoSuchProcess):
        projector.resume()


@_kind("a second server comes and goes", seconds=3)
def _second_server(system: System) -> Iterator[None]:
    with system.another_server():
        yield


@_kind("a second server is killed", seconds=2)
def _second_server_killed(system: System) -> Iterator[None]:
    with system.another_server() as another:
        yield
        for process in [another.process, *another.process.children()]:
            process.kill()


@_kind("the database is killed (-9), and started again", seconds=1, is_short=True)
def _database_killed(system: System) -> Iterator[None]:
    system.postgres.crash()
    yield
    system.postgres.start()


@_kind("one of the database's sessions is killed (-9)", seconds=0)
def _session_killed(system: System) -> Iterator[None]:
    [(pid,)] = system.run("SELECT max(pid) FROM pg_stat_activity WHERE application_name LIKE 'ordertrail%%'")
    psutil.Process(pid).kill()  # PostgreSQL then ends all sessions, and recovers
    wait_until(lambda: _is_there(system))
    yield


@_kind("the database is restarted", seconds=0)
def _database_restarted(system: System) -> Iterator[None]:
    system.postgres.processes()[0].send_signal(signal.SIGINT)  # a fast shutdown
    wait_until(lambda: not system.postgres.processes())
    yield
    system.postgres.start()


@_kind("all sessions of the database are ended", seconds=0)
def _sessions_ended(system: System) -> Iterator[None]:
    system.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'ordertrail%%'")
    yield


@_kind("the database stands still (SIGSTOP)", seconds=4)
def _database_frozen(system: System) -> Iterator[None]:
    system.postgres.freeze()
    yield
    system.postgres.thaw()


@_kind("connections are cut before the database sees what was sent", is_short=True)
def _requests_lost(system: System) -> Iterator[None]:
    with _again_and_again(lambda: system.proxy.do(lambda proxy: proxy.lose("request"))):
        yield


@_kind("connections are cut after the commit, before its reply", is_short=True)
def _replies_lost(system: System) -> Iterator[None]:
    with _again_and_again(lambda: system.proxy.do(lambda proxy: proxy.lose("reply"))):
        yield


@_kind("connections are cut at any moment")
def _connections_cut(system: System) -> Iterator[None]:
    with _again_and_again(lambda: system.proxy.do(lambda proxy: proxy.cut())):
        yield


@_kind("the network to the database is silent", seconds=4)
def _network_silent(system: System) -> Iterator[None]:
    system.proxy.do(lambda proxy: proxy.fall_silent())
    yield
    system.proxy.do(lambda proxy: proxy.speak())


@_kind("a firewall forgets all connections", seconds=1)
def _connections_forgotten(system: System) -> Iterator[None]:
    system.proxy.do(lambda proxy: proxy.forget())
    yield


@_kind("the network is slow (0.1 s each way)")
def _network_slow(system: System) -> Iterator[None]:
    system.proxy.do(lambda proxy: setattr(proxy, "delay_seconds", 0.1))
    yield
    system.proxy.do(lambda proxy: setattr(proxy, "delay_seconds", 0.0))


@_kind("somebody holds the lock of a ledger", seconds=9)
def _ledger_locked(system: System) -> Iterator[None]:
    with system.holding("SELECT FROM ordertrail.ledgers FOR UPDATE"):
        yield


@_kind("somebody holds the lock of a view", seconds=3)
def _view_locked(system: System) -> Iterator[None]:
    with system.holding("LOCK ordertrail.timeline"):
        yield


@_kind("the disk is full")
def _disk_full(system: System) -> Iterator[None]:
    with _trigger(system, "events", "RAISE disk_full USING MESSAGE = 'could not extend file: No space left on device'"):
        yield


@_kind("a statement takes too long", seconds=10)
def _statement_slow(system: System) -> Iterator[None]:
    with _trigger(system, "events", "PERFORM pg_sleep(300)"):
        yield


@_kind("the database takes no writes", is_short=True)
def _read_only(system: System) -> Iterator[None]:
    system.postgres.configure("default_transaction_read_only = on")
    yield
    system.postgres.configure(None)


@_kind("the database has no connection left")
def _no_connection_left(system: System) -> Iterator[None]:
    held: list[psycopg.Connection] = []
    system.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'ordertrail%%'")
    with suppress(psycopg.OperationalError):
        while True:
            held.append(psycopg.connect(system.postgres.dsn))
    yield
    for connection in held:
        connection.close()


@_kind("the database's clock goes a day ahead", seconds=3)
def _clock_ahead(system: System) -> Iterator[None]:
    system.clock.set_behind(86_400)
    yield
    system.clock.set_behind(0)


@_kind("notifications are lost")
def _notifications_lost(system: System) -> Iterator[None]:
    statement = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ILIKE 'LISTEN%%'"
    with _again_and_again(lambda: system.run(statement)):
        yield


@_kind("a view cannot be written")
def _view_fails(system: System) -> Iterator[None]:
    with _trigger(system, "timeline", "RAISE EXCEPTION 'this view fails'"):
        yield


@_kind("sealing stands still")
def _sealer_stopped(system: System) -> Iterator[None]:
    with system.holding("LOCK ordertrail.trees, ordertrail.tree_heads"):
        yield


@contextmanager
def _trigger(system: System, table: str, body: str) -> Iterator[None]:
    """Have this done before each row that is inserted into a table."""
    system.run(
        f"CREATE OR REPLACE FUNCTION public.fault() RETURNS trigger LANGUAGE plpgsql AS $$ "
        f"BEGIN {body}; RETURN NEW; END $$"
    )
    system.run(f"CREATE TRIGGER fault BEFORE INSERT ON ordertrail.{table} EXECUTE FUNCTION public.fault()")
    try:
        yield
    finally:
        system.run(f"DROP TRIGGER fault ON ordertrail.{table}")


@contextmanager
def _again_and_again(act: Callable[[], object], *, times: int = 8) -> Iterator[None]:
    """Do this some times at intervals."""
    for _ in range(times):
        act()
        time.sleep(0.25)
    yield


def _is_there(system: System) -> bool:
    with suppress(psycopg.Error):
        return system.run("SELECT 1") == [(1,)]
    return False
