"""Consumers: named and durable followers of a ledger, whose members share its events and keep each order's order.

What is guaranteed, and why it holds:

- **Nothing is lost.** A consumer has a position for each of its 16 partitions. A stream belongs to one partition for
  ever. A position moves only over events that were acknowledged, that the filter does not want, or whose stream is
  held. A held stream has a position of its own, which moves in the same way.
- **At least once.** What is handed out and not acknowledged is handed out again, with the same event id.
- **In order within a stream.** A partition has one owner at a time, and its events are handed out in ledger order. A
  refused event makes its stream a held one: the later events of this stream come after it, from the held stream's own
  position. The stream goes back to its partition once neither would skip or repeat an event: the partition has passed
  the held stream's position, and no event of the stream is between that and the last one looked at for the partition.
- **A frozen member does no harm here.** A member owns its partitions until its lease ends, by the database's clock.
  Then others take them, and each new owner gets a higher token. Whatever a member says of a partition, it says with
  the partition's token; with an old one it is refused (LeaseLost). A member cannot be kept from acting elsewhere after
  its lease has ended: hand the token on, and let whoever receives it refuse a lower one than it has seen.
- **Members share fairly.** Each gets its share of the 16 partitions, give or take one. A member gives up what is more
  than its share when it fetches, because then it holds nothing that is not acknowledged. So nothing is handed out
  twice because a member joined.
- **A poisonous event stops its own stream only.** After so many failures in a row its stream is parked, until somebody
  retries it or drops the event. The other streams go on, also those of the same partition.

All changes to a partition and to its held streams are made by whoever has locked the partition's row. Tenants,
consumers and positions are never shared, so all of it can be distributed by tenant.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import NamedTuple, Protocol

from application.delivery.filters import EVERYTHING, EventFilter
from application.ledger.port import RecordedEvent
from domain.values import TenantName

PARTITIONS = 16
"""How many members of a consumer can work at a time. Positions are kept for each, so it must never change."""
MAX_MEMBERS = 256
"""How many members a consumer may have. More than PARTITIONS wait in reserve."""


def partition_of(stream: str) -> int:
    """Return the partition of a stream. The database computes the same."""
    return sha256(stream.encode()).digest()[0] % PARTITIONS


class ConsumerSettings(NamedTuple):
    """What a consumer wants, and how patient it is. A webhook's consumer is as patient as webhooks are."""

    wanted: EventFilter = EVERYTHING
    max_failures: int = 5
    """An event that was refused so often in a row is parked."""
    lease: timedelta = timedelta(seconds=30)
    """A member that says nothing for so long loses its partitions."""


class Consumer(NamedTuple):
    """A consumer as it is kept."""

    name: str
    settings: ConsumerSettings
    is_paused: bool
    created_at: datetime


class Progress(NamedTuple):
    """How far a consumer has come. Its slowest partition counts."""

    position: int
    """Everything up to here is acknowledged or held."""
    head: int
    lag_seconds: float
    """The age of the first event after position; 0 if there is none."""
    waiting: int
    """Streams with a refused event that will be tried again."""
    parked: int
    """Streams that wait for somebody to decide."""

    @property
    def lag_events(self) -> int:
        """How many events have yet to be looked through."""
        return max(0, self.head - self.position)


class ConsumerMember(NamedTuple):
    """A member of a consumer."""

    name: str
    joined_at: datetime
    expires_at: datetime
    is_live: bool
    is_fresh: bool
    """Whether it was heard of lately, so that its lease needs no renewal yet."""


class Partition(NamedTuple):
    """A partition of a consumer."""

    partition: int
    member: str | None
    token: int
    position: int


class Delivery(NamedTuple):
    """An event that is handed out to the owner of its partition."""

    event: RecordedEvent
    partition: int
    token: int
    previous: int | None
    """The position of the wanted event before it in its partition; None if nobody knows, or if it is the first."""
    attempt: int = 1
    """How often it was handed out and refused before, and once more."""
    is_held: bool = False
    """Whether its stream is held. Then it is acknowledged for its stream, not for its partition."""


class Handed(NamedTuple):
    """What a member was handed: its partitions, and events in ledger order."""

    member: str
    partitions: Mapping[int, int]
    """The tokens of its partitions."""
    deliveries: Sequence[Delivery]
    is_paused: bool
    has_more: bool
    """Whether the ledger goes on after what was looked through."""
    is_member: bool = True
    """False if it is no member any more, and was not to join again."""


class Acknowledged(NamedTuple):
    """Everything up to a position is done: of a partition, or of one held stream of it."""

    partition: int
    token: int
    position: int
    stream: str | None = None


class RefusedEvent(NamedTuple):
    """An event could not be handled. Those of its stream before it are done."""

    partition: int
    token: int
    position: int
    delay: timedelta
    reason: str = ""


class HeldStream(NamedTuple):
    """A stream with an event that was refused. waiting counts its events that have yet to be acknowledged."""

    stream: str
    partition: int
    position: int | None
    """The refused event; None if the stream was told to go on since."""
    event_id: str | None
    type: str | None
    failures: int
    reason: str
    held_at: datetime
    retry_at: datetime
    parked_at: datetime | None
    waiting: int


class ConsumerRegister(Protocol):
    """The consumers of tenants. Every method raises Unavailable."""

    async def define(self, tenant: TenantName, name: str, settings: ConsumerSettings, *, position: int) -> bool:
        """Create a consumer that begins after a position, or change the settings of the one with this name.

        Return whether it is new. Raises TenantNotFound.
        """

    async def find(self, tenant: TenantName, name: str) -> Consumer:
        """Return a consumer. Raises ConsumerNotFound."""

    async def list(self, tenant: TenantName, *, after: str = "", limit: int = 100) -> Sequence[Consumer]:
        """Return the consumers with later names, by name; none of webhooks."""

    async def progress(self, tenant: TenantName, names: Sequence[str]) -> Mapping[str, Progress]:
        """Return how far these consumers have come."""

    async def members(self, tenant: TenantName, name: str) -> Sequence[ConsumerMember]:
        """Return a consumer's members in the order in which they joined."""

    async def partitions(self, tenant: TenantName, name: str) -> Sequence[Partition]:
        """Return a consumer's partitions."""

    async def pause(self, tenant: TenantName, name: str, *, is_paused: bool) -> None:
        """Hand out nothing until it goes on, or go on. Raises ConsumerNotFound."""

    async def reset(self, tenant: TenantName, name: str, position: int) -> None:
        """Go on after a position. Nothing is held any more, and members lose their partitions.

        Raises ConsumerNotFound.
        """

    async def remove(self, tenant: TenantName, name: str) -> None:
        """Remove a consumer. Raises ConsumerNotFound."""

    async def position_before(self, tenant: TenantName, time: datetime) -> int:
        """Return the position before the first event that was recorded at or after a time."""

    async def held(
        self, tenant: TenantName, name: str, *, are_parked: bool, after: str = "", limit: int = 100
    ) -> Sequence[HeldStream]:
        """Return held streams with later names, by name. Raises ConsumerNotFound."""

    async def retry(self, tenant: TenantName, name: str, stream: str | None = None) -> int:
        """Try a held stream now, or all that are parked; return how many. Raises StreamNotHeld."""

    async def drop(self, tenant: TenantName, name: str, stream: str, *, upto: int | None = None) -> None:
        """Pass over the refused event of a held stream, or over all of the stream's events up to a position.

        Raises StreamNotHeld.
        """


class Membership(Protocol):
    """What members of consumers do. Every method raises Unavailable, ConsumerNotFound."""

    async def fetch(
        self, tenant: TenantName, consumer: str, member: str, *, limit: int, may_join: bool = True
    ) -> Handed:
        """Join or go on, share the partitions, and return events of the member's own.

        What it has not acknowledged is among them again. Without may_join, only a member goes on. Raises
        TooManyMembers.
        """

    async def settle(
        self,
        tenant: TenantName,
        consumer: str,
        member: str,
        acknowledged: Sequence[Acknowledged],
        refused: Sequence[RefusedEvent],
    ) -> datetime | None:
        """Take what a member says of events, all of it or nothing, and renew its lease.

        Return when the lease ends; None if it has ended already. Saying it again changes nothing. Raises LeaseLost,
        NotHandedOut.
        """

    async def leave(self, tenant: TenantName, consumer: str, member: str) -> None:
        """Give up a member's partitions at once. Idempotent."""
