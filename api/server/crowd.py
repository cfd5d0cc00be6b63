"""How many connections a worker has, and which of them have to go when there are too many."""

import logging
import resource
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from application.runtime.measures import HTTP_CONNECTIONS_CLOSED, HTTP_CONNECTIONS_REFUSED
from application.runtime.outage_log import OutageLog
from domain.errors import Busy

_log = logging.getLogger(__name__)

MOST = 2_000
SHARE = 50
"""Of so many connections one is closed at once, and one at least: a look at all of them makes room for several."""
OTHER_FILES = 128
"""What a worker has open besides the connections of its clients."""


class Guest(Protocol):
    """A connection of a client."""

    @property
    def address(self) -> str:
        """The client's address, or that of the proxy before us."""

    @property
    def heard_at(self) -> float:
        """When something last came."""

    @property
    def is_idle(self) -> bool:
        """Whether no request is under way: an answer is complete, or no request has come to its end yet."""

    def dismiss(self) -> None:
        """Close the connection."""


class Crowd:
    """The connections of a worker. When there are as many as there may be, idle ones make room for new ones.

    Those go first whose address has the most idle connections, and of these the ones that were silent for longest. So
    one client with a thousand connections shuts nobody out. Connections of trusted proxies stay: each carries many
    clients.
    """

    def __init__(self, most: int = MOST, is_trusted: Callable[[str], bool] = lambda address: False) -> None:
        self._most = most
        self._is_trusted = is_trusted
        self._present: set[Guest] = set()
        self._fullness = OutageLog(_log, "There are too many connections", "There is room for connections again")

    def __len__(self) -> int:
        return len(self._present)

    def enter(self, guest: Guest) -> bool:
        """Take in a new connection; return whether there was, or could be made, room for it."""
        if len(self._present) >= self._most and not self._make_room():
            HTTP_CONNECTIONS_REFUSED.add()
            self._fullness.failed(Busy(f"all {self._most} are in use, and new ones are refused"))
            return False
        self._present.add(guest)
        return True

    def leave(self, guest: Guest) -> None:
        """Forget a connection that has ended."""
        self._present.discard(guest)
        if self._fullness.is_on and len(self._present) < 0.8 * self._most:
            self._fullness.over()

    def _make_room(self) -> bool:
        """Close some idle connections; return whether there were any."""
        idle = [guest for guest in self._present if guest.is_idle and not self._is_trusted(guest.address)]
        if not idle:
            return False
        of_address = Counter(guest.address for guest in idle)
        idle.sort(key=lambda guest: (-of_address[guest.address], guest.heard_at))
        leaving = idle[: max(1, self._most // SHARE)]
        for guest in leaving:
            self._present.discard(guest)
            guest.dismiss()
        HTTP_CONNECTIONS_CLOSED.add(len(leaving))
        [(address, count)] = of_address.most_common(1)
        said = f"{self._most} are open; idle ones are closed, beginning with the {count} of {address}"
        self._fullness.failed(Busy(said))
        return True


def room_for(connections: int) -> int:
    """Let this process open as many files as these connections take; return for how many there is room."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        more = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with suppress(OSError, ValueError):  # a sandbox may forbid it
            resource.setrlimit(resource.RLIMIT_NOFILE, (more, hard))
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return connections if soft == resource.RLIM_INFINITY else max(min(connections, soft - OTHER_FILES), 1)
