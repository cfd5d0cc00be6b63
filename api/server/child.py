"""What all processes of `ordertrail serve` share."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import get_context, parent_process
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
POLL_SECONDS = 0.5
PROCESSES = get_context("fork") if sys.platform == "linux" else get_context("spawn")
"""Forked children have their parent's imports and start at once. On other systems, system libraries forbid forking."""


def started(name: str, run: Callable[..., None], *arguments: Any) -> BaseProcess:
    """Start a process that runs this, and return it."""
    process = PROCESSES.Process(target=be, args=(name, run, *arguments), name=name)
    # A signal that comes before the child can handle it waits until it can.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return process


def be(name: str, run: Callable[..., None], *arguments: Any) -> None:
    """Run a process of the server until it is told to stop, or until its parent is gone."""
    os.setsid()  # the parent passes on the terminal's Ctrl-C
    with suppress(OSError):  # only Linux has process names there
        Path("/proc/self/comm").write_text(f"trail-{name}", encoding="ascii")
    _forget_signals()
    threading.Thread(target=_leave_with_parent, daemon=True, name="parent").start()
    run(*arguments)


def _forget_signals() -> None:
    """Treat signals as a new process does, whatever our parent does. Signals that nohup ignores stay ignored."""
    for number in STOP_SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)


def _leave_with_parent() -> None:
    # Ask for it: a pipe could tell us instead, but all later forked processes would hold it open.
    parent = parent_process()
    while parent is not None and os.getppid() == parent.pid:
        time.sleep(POLL_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
