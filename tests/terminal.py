"""A terminal, and what a command shows on it."""

import os
import pty
import threading
from contextlib import suppress


class Terminal:
    """A terminal that is read all the time: a command that shows much would wait for its reader otherwise.

    Enter it, give its number to a command, and leave it when the command has ended. Then shown is all of it.
    """

    def __enter__(self) -> "Terminal":
        self._ours, self.number = pty.openpty()
        self.shown = b""
        self._reading = threading.Thread(target=self._read)
        self._reading.start()
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.number)
        self._reading.join()
        os.close(self._ours)

    def _read(self) -> None:
        with suppress(OSError):  # nobody has the other end any more
            while part := os.read(self._ours, 10_000):
                self.shown += part
