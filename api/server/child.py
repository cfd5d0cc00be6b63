"""What the processes that `ordertrail serve` runs have in common."""

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
"""Children have from their parent what it has imported, and begin at once; elsewhere system libraries forbid it."""


def started(name: str, run: Callable[..., None], *arguments: Any) -> BaseProcess:
    """Start a process that runs this, and return it."""
    process = PROCESSES.Process(target=be, args=(name, run, *arguments), name=name)
    # What it is told before it can hear it, it hears then.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return process


def be(name: str, run: Callable[..., None], *arguments: Any) -> None:
    """Be a process of the server's: run, until told to leave, or until the parent is gone, however it went."""
    os.setsid()  # the terminal's Ctrl-C is the parent's to pass on
    with suppress(OSError):  # only Linux has names of processes there
        Path("/proc/self/comm").write_text(f"trail-{name}", encoding="ascii")
    _forget_signals()
    threading.Thread(target=_leave_with_parent, daemon=True, name="parent").start()
    run(*arguments)


def _forget_signals() -> None:
    """Treat signals as a new process does, whatever our parent does on them; those that nohup has us ignore, ignore."""
    for number in STOP_SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)


def _leave_with_parent() -> None:
    # Asked for, because what else would tell us, a pipe, is held open by all processes that are forked later.
    parent = parent_process()
    while parent is not None and os.getppid() == parent.pid:
        time.sleep(POLL_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
