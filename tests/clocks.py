"""A server whose clock is put back, so that its database's is ahead."""

from pathlib import Path

BEHIND = """
from datetime import UTC, datetime, timedelta
from pathlib import Path
from infrastructure.ledger import clock

def latest(self, _latest=clock.Clock.latest):
    return _latest(self) - timedelta(seconds=float(Path({path!r}).read_text()))

clock.Clock.latest = latest
"""
"""Puts a server's clock back by the seconds that a file holds."""


class Clock:
    """The clock of a server that is started next."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "behind"
        (folder / "sitecustomize.py").write_text(BEHIND.format(path=str(self._path)))
        self.set_behind(0)

    def set_behind(self, seconds: float) -> None:
        self._path.write_text(str(seconds))
