"""The leaves of a ledger's tree: the bytes of a whole event as it is stored, with its tenant and its position."""

from datetime import UTC, datetime, timedelta

from application.ledger.port import RecordedEvent
from application.transparency.tree import leaf_hash
from domain.values import TenantName

_HEADER = "ordertrail event v1\n%d %d %d %d %d %d\n%s\n%d\n%s\n%d\n%s\n%s\n"
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def leaf_bytes(tenant: TenantName, event: RecordedEvent) -> bytes:
    r"""Return the leaf of an event.

    It begins with the line "ordertrail event v1". The next line holds the lengths in bytes of tenant, stream, event id,
    type, data and metadata. Then one line each holds the tenant, the position, the stream, its version, the event's id
    and its type. Two times follow, occurred_at and recorded_at, in PostgreSQL's binary form: microseconds since
    2000-01-01 UTC, signed, in 8 bytes, most significant first. Data and metadata end the leaf. Lines end with "\n";
    texts are UTF-8.
    """
    names = (tenant, event.stream, event.event_id, event.type)
    lengths = [len(name.encode()) for name in names]
    header = _HEADER % (
        *lengths,
        len(event.data),
        len(event.metadata),
        tenant,
        event.position,
        event.stream,
        event.version,
        event.event_id,
        event.type,
    )
    times = _microseconds(event.occurred_at) + _microseconds(event.recorded_at)
    return header.encode() + times + event.data + event.metadata


def leaf_hash_of(tenant: TenantName, event: RecordedEvent) -> bytes:
    """Return the hash of an event's leaf."""
    return leaf_hash(leaf_bytes(tenant, event))


def instant(moment: datetime) -> str:
    """Return a time in the form that proofs use, to the microsecond."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")


def _microseconds(moment: datetime) -> bytes:
    return ((moment - _EPOCH) // _MICROSECOND).to_bytes(8, "big", signed=True)
