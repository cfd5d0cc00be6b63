"""The tree of errors, as data; the default message is the class's first sentence.

OrdertrailError
├── InvalidEvent             the event cannot be recorded
│   └── UnreadableEvent       it was changed after it was recorded
├── UnreadableKey            the key of personal data was changed in the database
├── RuleViolation            a decision breaks a rule of the order
│   ├── AlreadyRedacted
│   └── OrderChanged          somebody changed it after it was read
├── NotFound
│   ├── TenantNotFound
│   ├── KeyNotFound
│   ├── OrderNotFound
│   ├── VersionNotFound       the order has not come that far
│   ├── OrderNotYet           there was no such order at that time
│   ├── IntegrationNotFound
│   ├── EventNotFound
│   └── NotSealed             the ledger is not signed that far
├── BeyondHead               the ledger has not come that far
├── OrderArchived            the order is kept, and no longer shown
├── VersionConflict          somebody wrote first
├── IdempotencyConflict
│   ├── KeyReused            the same key with another request
│   └── EventIdReused        the same event id with another event
├── KeyHasEnded              the credential was revoked, or has expired
├── TenantExists             the name is taken
├── TenantWasDeleted         … and was before
├── LedgerHasGrown           somebody wrote meanwhile
├── AccountTaken             another tenant has the vendor's account
├── AccessDenied
│   ├── Unauthenticated      we do not know who is asking
│   └── Forbidden            we know, and the answer is no
├── OutcomeUnknown           the connection broke while it was being written
├── ViewStopped              a view cannot be derived from the ledger
├── Unproven                 the ledger was changed, and does not prove this
├── Misconfigured            somebody has to change a setting, a right or a server first: trying again does not help
└── Unavailable              the database cannot do it now; trying again helps
    ├── Busy                 it cannot do what this one request needs; others may go on
    ├── Refused              it does not let us in; this is also Misconfigured
    └── ClockAhead           its clock is ahead of ours
"""

from datetime import datetime


class OrdertrailError(Exception):
    """Something went wrong."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.describe())

    def describe(self) -> str:
        return (type(self).__doc__ or "").strip().split("\n")[0]


class InvalidEvent(OrdertrailError):
    """The event cannot be recorded."""


class UnreadableEvent(InvalidEvent):
    """An event cannot be read, because it was changed after it was recorded."""


class UnreadableKey(OrdertrailError):
    """The key that personal data of a subject is encrypted with was changed in the database."""

    def __init__(self, subject: str) -> None:
        self.subject = subject
        super().__init__(
            f"The key of {subject} was changed in the database: its personal data can be neither recorded nor read "
            "until the row of the key is restored"
        )


class RuleViolation(OrdertrailError):
    """The order does not allow this."""


class AlreadyRedacted(RuleViolation):
    """The order was redacted already."""

    def __init__(self, order_id: str) -> None:
        self.order_id = order_id
        super().__init__(f"Order {order_id!r} was redacted already")


class OrderChanged(RuleViolation):
    """The order was changed after it was read."""

    def __init__(self, order_id: str) -> None:
        self.order_id = order_id
        super().__init__(f"Order {order_id} was changed after it was read; read it again, then send a new request")


class NotFound(OrdertrailError):
    """There is no such thing."""


class TenantExists(OrdertrailError):
    """A tenant of this name exists already."""

    def __init__(self, tenant: str) -> None:
        super().__init__(f"Tenant {tenant!r} exists already; choose another name")


class TenantWasDeleted(OrdertrailError):
    """There was a tenant of this name, whose ledger's checkpoints others may hold."""

    def __init__(self, tenant: str, at: datetime) -> None:
        self.tenant, self.at = tenant, at
        super().__init__(
            f"A tenant {tenant!r} was deleted at {at:%Y-%m-%dT%H:%M:%SZ}; choose another name, since a new ledger "
            "would contradict the checkpoints of that one, or import its last export"
        )


class AccountTaken(OrdertrailError):
    """Another tenant has this account."""

    def __init__(self, account: str, tenant: str) -> None:
        self.account, self.tenant = account, tenant
        super().__init__(f"Tenant {tenant!r} has the Dintero account {account} already; an account leads to one tenant")


class LedgerHasGrown(OrdertrailError):
    """Somebody wrote to the ledger meanwhile."""


class TenantNotFound(NotFound):
    """There is no such tenant."""

    def __init__(self, tenant: str) -> None:
        self.tenant = tenant
        super().__init__(f"There is no tenant {tenant!r}")


class KeyNotFound(NotFound):
    """There is no such credential."""

    def __init__(self, key_id: str, tenant: str | None = None) -> None:
        self.key_id, self.tenant = key_id, tenant
        owner = "There is no" if tenant is None else f"Tenant {tenant!r} has no"
        super().__init__(f"{owner} key {key_id!r}")


class OrderNotFound(NotFound):
    """There is no such order."""

    def __init__(self, order_id: str) -> None:
        self.order_id = order_id
        super().__init__(f"There is no order {order_id!r}")


class VersionNotFound(NotFound):
    """The order has no such version."""

    def __init__(self, order_id: str, version: int, newest: int) -> None:
        self.order_id, self.version, self.newest = order_id, version, newest
        there_is = f"its newest is {newest}" if newest else "its first is 1, and before it there was no order"
        super().__init__(f"Order {order_id!r} has no version {version}; {there_is}")


class OrderNotYet(NotFound):
    """There was no such order yet."""

    def __init__(self, order_id: str, at: datetime, clock: str) -> None:
        self.order_id, self.at, self.clock = order_id, at, clock
        happened = "had occurred" if clock == "occurred" else "had been recorded"
        super().__init__(f"There was no order {order_id!r} yet: none of its events {happened} by {at.isoformat()}")


class EventNotFound(NotFound):
    """There is no such event."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"The ledger holds no event {name!r}")


class NotSealed(NotFound):
    """This part of the ledger is not sealed yet."""


class BeyondHead(OrdertrailError):
    """The position is beyond the ledger's head."""

    def __init__(self, position: int, head: int) -> None:
        self.position, self.head = position, head
        super().__init__(
            f"Position {position} is beyond the ledger's head, which is {head}. If you got this position from this "
            "ledger, the ledger was restored from an earlier backup: read it again from an earlier position"
        )


class IntegrationNotFound(NotFound):
    """There is no such integration."""

    def __init__(self, integration_id: int) -> None:
        self.integration_id = integration_id
        super().__init__(f"There is no integration {integration_id}")


class OrderArchived(OrdertrailError):
    """The order is archived."""

    def __init__(self, order_id: str) -> None:
        self.order_id = order_id
        super().__init__(f"Order {order_id!r} is archived")


class VersionConflict(OrdertrailError):
    """The stream is not at the expected version."""

    def __init__(self, stream: str, expected: str, actual: int | None) -> None:
        self.stream, self.expected, self.actual = stream, expected, actual
        found = "it does not exist" if actual is None else f"it is at {actual}"
        super().__init__(
            f"Stream {stream} was expected to be at {expected}, but {found}; read it again, then send a new request"
        )


class IdempotencyConflict(OrdertrailError):
    """A key or an event id of the request was used for another one."""


class KeyReused(IdempotencyConflict):
    """The idempotency key was used with another request."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(f"Idempotency-Key {key!r} was used with another request; use a new key for a new request")


class EventIdReused(IdempotencyConflict):
    """The event id was used for another event."""

    def __init__(self, event_ids: tuple[str, ...]) -> None:
        self.event_ids = event_ids
        super().__init__(
            f"At least one of the event ids {', '.join(event_ids)} belongs to another event; give a new event a new id"
        )


class KeyHasEnded(OrdertrailError):
    """The credential was revoked, or has expired."""

    def __init__(self, key_id: str, tenant: str) -> None:
        self.key_id, self.tenant = key_id, tenant
        super().__init__(f"Key {key_id!r} was revoked or has expired")


class AccessDenied(OrdertrailError):
    """The credential does not allow this."""


class Unauthenticated(AccessDenied):
    """No valid credential was given."""


class Forbidden(AccessDenied):
    """The credential does not allow this."""


class OutcomeUnknown(OrdertrailError):
    """The connection to the database broke while the events were being written, so they may or may not be stored."""

    def __init__(self, event_ids: tuple[str, ...]) -> None:
        self.event_ids = event_ids
        super().__init__(
            f"{self.describe()} Send the same request with the same event ids or Idempotency-Key again; "
            "it will not be stored twice."
        )


class ViewStopped(OrdertrailError):
    """A view stopped at an event that it cannot read."""

    def __init__(self, tenant: str, view: str, position: int, error: str) -> None:
        self.tenant, self.view, self.position, self.error = tenant, view, position, error
        super().__init__(f"View {view} of {tenant} stopped after position {position}: {error}")


class Unproven(OrdertrailError):
    """The ledger was changed, and does not prove this."""

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(f"{what}. Trying again does not help until the operator has repaired it")


class Misconfigured(OrdertrailError):
    """A setting of this installation does not work."""


class Unavailable(OrdertrailError):
    """The database cannot be reached at the moment; try again."""

    def __init__(
        self, message: str | None = None, *, said: str = "", is_away: bool = False, is_told: bool = False
    ) -> None:
        self.said = said
        """The database's own words, for those who read the log."""
        self.is_away = is_away
        """Whether the database serves nobody at the moment. Otherwise it only refused this one request."""
        self.is_told = is_told
        """Whether the log reports it already."""
        super().__init__(message)


class Busy(Unavailable):
    """Somebody else holds what this needs, it takes too long, or its part of the database is lost; try again."""


class Refused(Unavailable, Misconfigured):
    """The database does not let us in, and will not until somebody changes that."""


class ClockAhead(Unavailable):
    """The database's clock is ahead of this server's. The code that finds this out logs it."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(
            f"The database's clock is {seconds:.0f} s ahead of this server's, so no event can be recorded: no later "
            "event could get an earlier time. Set the clocks right and try again",
            is_told=True,
        )
