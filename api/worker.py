"""The processes that `ordertrail serve` runs: python -m api.worker http FD | projector."""

import gc
import os
import signal
import sys
import threading
from importlib import import_module

PROCESSES = {"http": "api.http_process", "projector": "api.projector_process"}


def _leave_with_parent() -> None:
    """Leave when the parent does, however it does: our standard input is a pipe that only it holds open."""

    def watch() -> None:
        while os.read(0, 1):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True, name="parent").start()


def main(arguments: list[str]) -> None:
    """Be the process that the arguments name."""
    name, *others = arguments or [""]
    if name not in PROCESSES:
        raise SystemExit(__doc__)
    _leave_with_parent()
    # Only what the process needs is imported: they start side by side, and a projector has no use for FastAPI. What is
    # imported stays: to search it for garbage takes a fifth of the start, and time from requests later on.
    gc.disable()
    process = import_module(PROCESSES[name])
    gc.freeze()
    gc.enable()
    process.run(*others)


if __name__ == "__main__":
    main(sys.argv[1:])
