"""Whether the store can serve, and how far its views and its seals are."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class ProjectionHealth(NamedTuple):
    """One projection over all tenants: how many events its furthest checkpoint is behind, and where it has stopped."""

    projection: str
    lag: int
    stopped: Sequence[str]
    """Per tenant it has stopped for: the tenant, the position it stopped after, and the error."""


class SealingHealth(NamedTuple):
    """How many events the ledger has that is furthest from being sealed, and for how many tenants sealing stopped."""

    unsealed: int
    stopped: int


class Health(Protocol):
    """Tells how the database is doing."""

    async def projections(self) -> list[ProjectionHealth]:
        """Return the health of every projection. Raises Unavailable."""

    async def damaged_keys(self) -> int:
        """Return how many keys were needed and could not be read, and still are not restored. Raises Unavailable."""

    def refusal_of_writes(self) -> str | None:
        """Return why the database takes no writes, though it is there; None if it does."""

    async def clock_ahead(self) -> float:
        """Return by how many seconds the database's clock is ahead of ours; below 0 if behind. Raises Unavailable."""

    async def sealing(self) -> SealingHealth:
        """Return the health of sealing. Raises Unavailable."""
