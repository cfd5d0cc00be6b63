"""Following the ledger: where a stream is, what its lines say, and how long to wait before it is opened again."""

import json

from ordertrail_client.core import NDJSON, Call, Event, Filter

SILENCE_SECONDS = 60.0
"""After so long without a line, not even a heartbeat, the connection is dead."""
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 30.0
FINAL = {"credential-ended", "beyond-head", "gone"}
"""Reasons of an end after which connecting again does not help."""


class StreamEnded(Exception):
    """The stream ended, and connecting again does not help. next is where it was."""

    def __init__(self, reason: str, detail: str, next_: int) -> None:
        self.reason, self.detail, self.next = reason, detail, next_
        super().__init__(f"{reason}: {detail}")


class Following:
    """A ledger that is followed, over as many connections as it takes."""

    def __init__(self, wanted: Filter, after: int | str) -> None:
        self._wanted = wanted
        self.after = after
        """Where to go on: after this position."""
        self._pause = FIRST_PAUSE_SECONDS

    def call(self) -> Call:
        """Return the request that opens the stream where it is."""
        return Call(
            "GET", "/trail/v1/feed", query={**self._wanted.query(), "after": self.after}, headers={"Accept": NDJSON}
        )

    def event_in(self, line: str) -> Event | None:
        """Return the event in a line, if it holds one. Raises StreamEnded."""
        self._pause = FIRST_PAUSE_SECONDS
        said: Event = json.loads(line)
        if "specversion" in said:
            self.after = int(said["position"])
            return said
        self.after = int(said["next"])
        if said.get("end") in FINAL:
            raise StreamEnded(said["end"], said.get("detail", ""), self.after)
        return None

    def pause(self) -> float:
        """Return how many seconds to wait before the stream is opened again. It grows while nothing comes."""
        pause, self._pause = self._pause, min(self._pause * 2, LONGEST_PAUSE_SECONDS)
        return pause
