"""Whether the store can serve, and how far its views, its seals and what follows it have got."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Literal, NamedTuple, Protocol

DeliveryKind = Literal["consumer", "webhook"]


class ProjectionHealth(NamedTuple):
    """One projection over all tenants: how many events its slowest checkpoint is behind, and where it has stopped."""

    projection: str
    lag: int
    stopped: Sequence[str]
    """For each tenant it has stopped for: the tenant, the position it stopped after, and the error."""
    seconds: float
    """How long ago the oldest event was recorded that it has yet to read; 0 if there is none."""


class SealingHealth(NamedTuple):
    """The largest number of unsealed events of any ledger, and the number of tenants whose sealing has stopped."""

    unsealed: int
    stopped: int
    seconds: float
    """How long ago the oldest event was recorded that is not sealed; 0 if there is none."""


class InstallationShape(StrEnum):
    """Where the tables of an installation are."""

    ONE_SERVER = "one server"
    DISTRIBUTED = "distributed"
    PARTLY_DISTRIBUTED = "partly distributed"
    """Distributing was interrupted; `ordertrail distribute` goes on with it."""


class DeliveryHealth(NamedTuple):
    """All consumers, or all webhooks. One that is paused or disabled does not count as lagging."""

    kind: DeliveryKind
    number: int = 0
    lag_events: int = 0
    """How many events the slowest has yet to look through."""
    lag_seconds: float = 0.0
    """The age of the first of these."""
    disabled: int = 0
    """Webhooks to which nothing is sent any more, since their receivers took nothing."""
    waiting: int = 0
    """Orders with a refused event that will be tried again."""
    parked: int = 0
    """Orders that wait for somebody to decide."""


class StandbyHealth(NamedTuple):
    """Whether reads go to the standby, and how far it is behind."""

    why_not: str | None
    """Why nothing is read from it; None if reads go to it."""
    lag_seconds: float
    lag_bytes: int
    """How much of the primary's write-ahead log it has yet to replay."""


class Health(Protocol):
    """Tells whether the database is well."""

    def lost_nodes(self) -> Mapping[str, int]:
        """Return the nodes of the cluster that cannot be reached, and how many tenants each has, as far as was noticed.

        What is told of all tenants leaves these out.
        """

    async def shape(self) -> InstallationShape:
        """Return where the tables are. Raises Unavailable."""

    async def projections(self) -> list[ProjectionHealth]:
        """Return the health of every projection. Raises Unavailable."""

    async def damaged_keys(self) -> int:
        """Return how many keys were needed, could not be read, and are not restored yet. Raises Unavailable."""

    def refusal_of_writes(self) -> str | None:
        """Return why the database takes no writes although it can be reached; None if it takes them."""

    async def clock_ahead(self) -> float:
        """Return by how many seconds the database's clock is ahead of ours; negative if it is behind. Raises
        Unavailable.
        """

    async def sealing(self) -> SealingHealth:
        """Return the health of sealing. Raises Unavailable."""

    async def deliveries(self) -> list[DeliveryHealth]:
        """Return the health of consumers, and of webhooks. Raises Unavailable."""

    def standby(self) -> StandbyHealth | None:
        """Return the health of the standby as it was seen last; None if none is set."""
