"""The check: every acknowledged event is stored once, positions have no gaps, and their order stays what it was."""

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field

import psycopg

from tests.faults.journal import Acknowledged, Request, Tenant

_EVENTS = """
    SELECT position, stream, version, event_id, data FROM ordertrail.events
    WHERE tenant = %s AND position > %s ORDER BY position
"""


@dataclass
class Ledger:
    """What was read of a tenant's ledger so far."""

    tenant: Tenant
    head: int = 0
    faults: list[str] = field(default_factory=list)
    """What is wrong with it, in words."""
    _versions: Counter[str] = field(default_factory=Counter)
    _stored: Counter[Request] = field(default_factory=Counter)
    """How many events of each request are stored."""
    _last: dict[Request, int] = field(default_factory=dict)
    """The position of each request's last event."""
    _told: Counter[str] = field(default_factory=Counter)
    _digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    _digests: dict[int, str] = field(default_factory=dict)
    """The hash of all events up to some positions, as they were when they were first read."""

    def read_on(self, dsn: str) -> None:
        """Read what was stored since this was called last."""
        with psycopg.connect(dsn) as connection, connection.cursor("events", binary=True) as cursor:
            cursor.execute(_EVENTS, [self.tenant.name, self.head])
            for position, stream, version, event_id, data in cursor:
                self._take(position, stream, version, event_id, bytes(data))
        self._digests[self.head] = self._digest.hexdigest()

    def _take(self, position: int, stream: str, version: int, event_id: str, data: bytes) -> None:
        if position != self.head + 1:
            self.faults.append(f"After position {self.head} comes {position}")
        if version != self._versions[stream] + 1:
            self.faults.append(f"After version {self._versions[stream]} of {stream} comes {version}")
        self.head, self._versions[stream] = position, version
        self._digest.update(f"{position} {stream} {version} {event_id} ".encode() + data)
        # The data say which event it is too: so one is found that was stored twice, under two ids.
        told = json.loads(data).get("status", "")
        if told.count("_") == 2:
            client, number, _ = told.split("_")
            request = Request(client, int(number))
            self._stored[request] += 1
            self._last[request] = position

    def lost(self, acknowledged: Acknowledged) -> int:
        """Return how many events of an acknowledged request are missing."""
        return max(acknowledged.events - self._stored[acknowledged.request], 0)

    def doubled(self, acknowledged: Acknowledged) -> int:
        """Return how many events of a request are stored once more than they were sent."""
        return max(self._stored[acknowledged.request] - acknowledged.events, 0)

    def check_order(self, acknowledged: list[Acknowledged]) -> None:
        """Check that the positions are those that clients were told, and in the order in which they were told."""
        answered = sorted(acknowledged, key=lambda each: each.answered)
        highest, done = 0, 0
        for each in sorted(acknowledged, key=lambda each: each.sent):
            while answered[done].answered < each.sent:
                highest, done = max(highest, answered[done].position), done + 1
            if each.position <= highest:
                self.faults.append(
                    f"{each.request} was sent after position {highest} was told, and has {each.position}"
                )
            if self._last.get(each.request) != each.position:
                self.faults.append(f"{each.request} was told {each.position}, and has {self._last.get(each.request)}")

    def check_again(self, dsn: str) -> None:
        """Read the whole ledger anew, and check that it was never different."""
        anew = Ledger(self.tenant)
        with psycopg.connect(dsn) as connection, connection.cursor("events", binary=True) as cursor:
            cursor.execute(_EVENTS, [self.tenant.name, 0])
            for position, stream, version, event_id, data in cursor:
                anew._take(position, stream, version, event_id, bytes(data))
                if position in self._digests and anew._digest.hexdigest() != self._digests[position]:
                    self.faults.append(f"The events up to position {position} are not what they were")
        self.faults += anew.faults
