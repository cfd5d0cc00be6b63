"""Processes of the server that hang, or end again and again: each is ended and replaced, and the server goes on."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import pairwise

import httpx
import psutil
import psycopg
import pytest

from api.bootstrap import set_up_database
from api.server import kept_process as child
from api.server.kept_process import Child, WorkerFailed
from api.server.pulse import Pulse
from api.settings import read_settings
from tests.fix_embedded import wait_until
from tests.fix_postgres import database
from tests.outage import Served, new_token, read, served, write

SECONDS = child.HANG_SECONDS + 30
"""Within which a process that hangs is replaced, on a machine that is busy with other things."""


@pytest.fixture(scope="module")
def server(server_dsn: str, template_name: str) -> Iterator[Served]:
    with database(server_dsn, template=template_name) as dsn:
        set_up_database(dsn, read_settings())
        with served("--dsn", dsn, token=new_token(dsn)) as running:
            yield running


def answered(send: Callable[[httpx.Client], httpx.Response], server: Served) -> httpx.Response:
    """Send a request until it is answered with a success."""
    answers: list[httpx.Response] = []

    def is_answered() -> bool:
        with suppress(httpx.TransportError), server.client() as http:
            answers[:] = [answer for answer in [send(http)] if answer.is_success]
        return bool(answers)

    wait_until(is_answered)
    return answers[0]


def test_a_worker_and_a_projector_that_stand_still_are_ended_and_replaced(server: Served) -> None:
    answered(write, server)
    standing = [server.child(name) for name in ("http", "projector")]

    for process in standing:
        process.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    for process in standing:
        wait_until(lambda process=process: not process.is_running())

    assert time.monotonic() - began < SECONDS
    version = answered(write, server).json()["version"]
    wait_until(lambda: answered(read, server).json()["version"] >= version)
    assert len(server.told("has stood still for")) == 2
    assert len(server.told("The http process ended with -9; it is started again now")) == 1


def test_processes_that_end_again_and_again_are_started_for_ever(server: Served) -> None:
    before = len(server.told("process ended with"))

    for n in range(1, child.TRIES + 1):
        for process in [server.child(name) for name in ("http", "projector")]:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        wait_until(lambda n=n: len(server.told("process ended with")) == before + 2 * n)

    answered(write, server)
    assert server.process.is_running()


def test_pauses_between_starts_grow_and_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(child.time, "monotonic", lambda: now)
    monkeypatch.setattr(child, "started", lambda *_: _Dead())
    process = Child("x", print, (), Pulse())
    starts = []

    for _ in range(2_000):
        process.look_after(is_needed=True)
        if process.process is not None and (not starts or starts[-1] != now):
            starts.append(now)
        now += 0.01

    pauses = [round(later - earlier, 1) for earlier, later in pairwise(starts)]
    assert pauses[:6] == [0.0, 0.5, 1.0, 2.0, 4.0, 5.0]
    assert set(pauses[6:]) == {5.0}


def test_before_the_server_was_ever_ready_it_is_of_no_use_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(child.time, "monotonic", lambda: now)
    monkeypatch.setattr(child, "started", lambda *_: _Dead())
    process = Child("x", print, (), Pulse())

    def look_on() -> None:
        nonlocal now
        for _ in range(1_000):
            process.look_after(is_needed=False)
            now += 0.1

    with pytest.raises(WorkerFailed):
        look_on()
    assert process.failures == child.TRIES


def test_a_system_that_has_no_process_to_spare_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    now, tries = 100.0, 0

    def cannot(*_: object) -> None:
        nonlocal tries
        tries += 1
        raise BlockingIOError("Resource temporarily unavailable")

    monkeypatch.setattr(child.time, "monotonic", lambda: now)
    monkeypatch.setattr(child, "started", cannot)
    process = Child("x", print, (), Pulse())

    for _ in range(1_000):
        process.look_after(is_needed=False)
        now += 0.1

    assert 10 < tries < 30


class _Dead:
    """A process that ended as soon as it was started."""

    exitcode = 1

    def is_alive(self) -> bool:
        return False

    def join(self) -> None:
        pass


def test_a_parent_that_stood_still_itself_does_not_hold_it_against_its_children(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Alive(_Dead):
        def is_alive(self) -> bool:
            return True

        def kill(self) -> None:
            pytest.fail("It was ended")

    now = 100.0
    monkeypatch.setattr(child.time, "monotonic", lambda: now)
    monkeypatch.setattr(child, "started", lambda *_: Alive())
    process = Child("x", print, (), Pulse())
    process.start()

    for _ in range(3):
        process.look_after(is_needed=True)
        now += 100 * child.HANG_SECONDS
        process.look_after(is_needed=True)


def test_work_of_the_projector_that_fails_holds_up_no_other_and_goes_on_when_it_can(server: Served) -> None:
    def change(statement: str) -> None:
        with psycopg.connect(dsn_of(server), autocommit=True) as connection:
            connection.execute(statement)

    change("ALTER TABLE ordertrail.trees RENAME TO trees_aside")
    try:
        projector = server.child("projector")
        wait_until(lambda: bool(server.told("The sealing failed and tries again")))
        version = answered(write, server).json()["version"]
        wait_until(lambda: answered(read, server).json()["version"] >= version)
    finally:
        change("ALTER TABLE ordertrail.trees_aside RENAME TO trees")

    wait_until(lambda: bool(server.told("The sealing works again after")))
    assert server.child("projector") == projector


def dsn_of(server: Served) -> str:
    arguments = server.process.cmdline()
    return arguments[arguments.index("--dsn") + 1]
