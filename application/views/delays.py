"""How long events have waited to be sealed, and to be read by views."""

from typing import NamedTuple, Protocol


class Delays(NamedTuple):
    """How many seconds the oldest waiting event has waited; 0 if none waits."""

    sealing: float
    views: float


class DelayStore(Protocol):
    """Knows the delays of a database."""

    async def delays(self) -> Delays:
        """Return the longest delays of any tenant whose sealing, or whose view, has not stopped. Raises Unavailable."""
