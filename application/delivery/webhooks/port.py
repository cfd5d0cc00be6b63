"""Webhooks: consumers that the server runs, which sends each event to a URL.

A webhook is the consumer `webhook/<id>`: what consumers guarantee holds for it. The server's processes are its members.

- A delivery succeeds with a 2xx. Anything else, a redirect too, refuses the event: its order waits, the others go on.
- An event is tried again after 5, 10, 20 … seconds, an hour at most, 40 times in all: for more than a day. Then its
  order is parked.
- After 5 failures in a row, whatever their orders, the receiver is left alone for 5, 10, 20 … seconds, 15 minutes at
  most. Then one event is sent, and all go on once one succeeds. So a receiver that is away does not fill the table of
  orders that wait.
- A Retry-After holds up all that is sent to the receiver.
- A 410 disables the webhook at once; 3 days without any success do so too. What was not delivered stays to be.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Literal, NamedTuple, Protocol

from application.delivery.consumers import ConsumerSettings
from application.delivery.filters import EventFilter
from domain.values import TenantName

MAX_WEBHOOKS = 100
"""How many webhooks a tenant may have."""
MAX_FAILURES = 40
LEASE = timedelta(seconds=30)
"""Longer than an attempt takes."""
KEEP_ATTEMPTS = timedelta(days=30)
KEEP_EARLIER_SECRET = timedelta(days=1)

Kind = Literal["event", "resend", "test"]


class NewWebhook(NamedTuple):
    """What a webhook is to be."""

    url: str
    description: str
    with_data: bool
    """Whether to send the event's data too."""
    wanted: EventFilter


class Webhook(NamedTuple):
    """A webhook as it is kept, without its secrets."""

    id: str
    url: str
    description: str
    with_data: bool
    failures: int
    failing_since: datetime | None
    next_at: datetime | None
    """Nothing is sent before; None if nothing holds it up."""
    succeeded_at: datetime | None
    disabled_at: datetime | None
    disabled_reason: str | None
    created_at: datetime
    earlier_until: datetime | None
    """Until when messages are signed with the previous secret too."""

    @property
    def is_disabled(self) -> bool:
        return self.disabled_at is not None


class SigningSecret(NamedTuple):
    """The secrets that messages are signed with: of HMAC-SHA-256 (v1), and the seed of an Ed25519 key (v1a)."""

    shared: bytes
    seed: bytes


class Answer(NamedTuple):
    """What a receiver answered; without a status, why it did not."""

    status: int | None
    headers: Mapping[str, str]
    body: str
    error: str | None
    seconds: float


class Message(NamedTuple):
    """What is sent: about an event of a stream, or as a test."""

    id: str
    kind: Kind
    stream: str
    position: int | None
    number: int
    """How often it was tried before, and once more."""
    body: bytes


class Attempt(NamedTuple):
    """An attempt to deliver a message, as it is logged: without secrets."""

    id: str
    kind: Kind
    message_id: str
    stream: str
    position: int | None
    number: int
    started_at: datetime
    seconds: float
    status: int | None
    error: str | None
    detail: bytes | None
    """The request and the answer, in JSON; None if they cannot be read any more."""


class Endpoint(NamedTuple):
    """How often a receiver has failed in a row, and since when."""

    failures: int
    failing_since: datetime


class Sender(Protocol):
    """Sends messages to receivers."""

    def check(self, url: str) -> None:
        """Raise UnacceptableUrl if nothing can be sent to a URL. What its host name leads to is not looked up."""

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send one message, follow no redirect, and return the answer. Never raises because of the receiver."""


class WebhookStore(Protocol):
    """The webhooks of tenants. Every method raises Unavailable; with an id, WebhookNotFound."""

    async def create(self, tenant: TenantName, id_: str, new: NewWebhook, secret: SigningSecret, position: int) -> None:
        """Create a webhook that begins after a position. Raises TooManyWebhooks, TenantNotFound."""

    async def change(self, tenant: TenantName, id_: str, new: NewWebhook) -> None: ...

    async def find(self, tenant: TenantName, id_: str) -> tuple[Webhook, Sequence[SigningSecret]]:
        """Return a webhook, and the secrets that messages are signed with now: the present one first."""

    async def list(self, tenant: TenantName, *, after: str = "", limit: int = 100) -> Sequence[Webhook]: ...

    async def remove(self, tenant: TenantName, id_: str) -> None: ...

    async def rotate(self, tenant: TenantName, id_: str, secret: SigningSecret, *, keep: timedelta) -> None:
        """Replace a secret. The previous one is used too for so long."""

    async def disable(self, tenant: TenantName, id_: str, reason: str) -> bool:
        """Send nothing any more; return whether it was enabled."""

    async def enable(self, tenant: TenantName, id_: str) -> None:
        """Send again, beginning at once."""

    async def note_failure(self, tenant: TenantName, id_: str, *, wait: timedelta) -> Endpoint:
        """Count a failure, and send nothing for so long."""

    async def hold_up(self, tenant: TenantName, id_: str, *, wait: timedelta) -> None:
        """Send nothing for so long."""

    async def note_success(self, tenant: TenantName, id_: str) -> None: ...

    async def due(self) -> Sequence[tuple[TenantName, str]]:
        """Return the webhooks of all tenants that have something to do."""

    async def all(self) -> Sequence[tuple[TenantName, str]]:
        """Return the webhooks of all tenants."""


class AttemptLog(Protocol):
    """The attempts to deliver messages. Every method raises Unavailable."""

    async def add(self, tenant: TenantName, webhook: str, attempt: Attempt) -> None: ...

    async def list(self, tenant: TenantName, webhook: str, *, before: str | None, limit: int) -> Sequence[Attempt]:
        """Return attempts, the newest first."""

    async def find(self, tenant: TenantName, webhook: str, attempt: str) -> Attempt:
        """Return an attempt. Raises AttemptNotFound."""

    async def prune(self, tenant: TenantName, webhook: str, *, before: datetime) -> None:
        """Remove attempts that began before this time."""


def consumer_of(webhook: str) -> str:
    """Return the name of a webhook's consumer. No consumer that somebody defines has such a name."""
    return f"webhook/{webhook}"


def settings_of(wanted: EventFilter) -> ConsumerSettings:
    """Return the settings of a webhook's consumer."""
    return ConsumerSettings(wanted, MAX_FAILURES, LEASE)


def message_id(webhook: str, event_id: str) -> str:
    """Return the id of the message about an event: the same whenever it is sent, and with no full stop in it."""
    return f"msg_{sha256(f'{webhook} {event_id}'.encode()).hexdigest()[:32]}"
