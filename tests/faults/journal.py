"""The journal: what clients sent, and what they were told of it."""

import json
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import NamedTuple, TextIO

from tests.faults.linearizability import Operation


class Tenant(NamedTuple):
    """A tenant, and the token of its clients."""

    name: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


class Request(NamedTuple):
    """Which request of which client it is. Its events carry both, and their number."""

    client: str
    number: int

    def event(self, n: int) -> str:
        """Return the id of its nth event."""
        return f"{self.client}_{self.number}_{n}"


class Acknowledged(NamedTuple):
    """An acknowledged request."""

    tenant: str
    request: Request
    events: int
    position: int
    """The position of its last event, as the client was told."""
    sent: float
    """When it was first sent, by the monotonic clock."""
    tried: float
    """When it was sent the last time."""
    answered: float


@dataclass
class Journal:
    """Everything that clients were told. It is written to a file, a line for each acknowledgement."""

    file: TextIO
    acknowledged: list[Acknowledged] = field(default_factory=list)
    refused: int = 0
    """Answers that said that nothing was stored."""
    unknown: int = 0
    """Requests without an answer, or with one that said that nobody knows."""
    histories: dict[str, list[Operation]] = field(default_factory=lambda: defaultdict(list))
    """What happened to each of the orders to which clients append at a version that they expect."""
    unexpected: list[str] = field(default_factory=list)
    """Answers that there must not be."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def events(self) -> int:
        return sum(each.events for each in list(self.acknowledged))

    def acknowledge(self, acknowledged: Acknowledged) -> None:
        with self._lock:
            self.acknowledged.append(acknowledged)
            self.file.write(json.dumps(acknowledged) + "\n")

    def first_sent_after(self, moment: float) -> Acknowledged | None:
        """Return what was acknowledged first of all that was tried again or sent after this moment."""
        found = [each for each in self.acknowledged[-5_000:] if each.tried >= moment]
        return min(found, key=lambda each: each.answered, default=None)


def open_journal(path: Path) -> Journal:
    return Journal(path.open("w", encoding="ascii"))


def now() -> float:
    return monotonic()
