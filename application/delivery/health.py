"""How far consumers and webhooks are, over all tenants."""

from typing import Literal, NamedTuple, Protocol

Kind = Literal["consumer", "webhook"]


class DeliveryHealth(NamedTuple):
    """All consumers, or all webhooks. A paused one is meant to lag, and does not count for it."""

    kind: Kind
    number: int = 0
    lag_events: int = 0
    """How many events the slowest has yet to look through."""
    lag_seconds: float = 0.0
    """The age of the first of these."""
    waiting: int = 0
    """Orders with a refused event that will be tried again."""
    parked: int = 0
    """Orders that wait for somebody to decide."""


class DeliveriesHealth(Protocol):
    """Tells how far consumers and webhooks are."""

    async def deliveries(self) -> list[DeliveryHealth]:
        """Return the health of consumers, and of webhooks. Raises Unavailable."""
