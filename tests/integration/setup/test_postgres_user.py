"""The user that PostgreSQL runs as under root is created once, however many processes start at the same time."""

import os
import pwd
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from infrastructure.embedded import programs as postgres_programs


def test_who_comes_second_waits_for_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    both = threading.Barrier(2)
    at_work = threading.Lock()

    def ensure_user_exists(_name: str) -> pwd.struct_passwd:
        assert at_work.acquire(blocking=False), "two processes create the user at the same time"
        time.sleep(0.05)
        at_work.release()
        return pwd.getpwuid(os.geteuid())

    def create() -> pwd.struct_passwd:
        both.wait()
        return postgres_programs.create_user()

    package = SimpleNamespace(utils=SimpleNamespace(ensure_user_exists=ensure_user_exists))
    monkeypatch.setattr(postgres_programs, "_package", lambda: package)

    with ThreadPoolExecutor(2) as threads:
        users = [thread.result() for thread in [threads.submit(create), threads.submit(create)]]

    assert users[0] == users[1]
