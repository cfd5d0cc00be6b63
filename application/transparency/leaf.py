"""What a ledger's tree is of: the bytes of a whole event as it is stored, its tenant and its position among them."""

from datetime import UTC, datetime, timedelta

from application.ledger.port import RecordedEvent
from application.transparency.tree import leaf_hash
from domain.values import TenantName

_HEADER = "ordertrail event v1\n%d %d %d %d %d %d\n%s\n%d\n%s\n%d\n%s\n%s\n"
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def leaf_bytes(tenant: TenantName, event: RecordedEvent) -> bytes:
    r"""Return the leaf of an event.

    It is the line "ordertrail event v1"; a line with the lengths in bytes of tenant, stream, event id, type, data and
    metadata; then a line each with the tenant, the position, the stream, its version, the event's id and its type. Then
    come, as PostgreSQL sends them, when it occurred and when it was recorded: microseconds since 2000-01-01 UTC,
    signed, in 8 bytes, most significant first. Data and metadata end it. Lines end with "\n"; texts are UTF-8.
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
    """Return a time as proofs have it, to the microsecond."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")


def _microseconds(moment: datetime) -> bytes:
    return ((moment - _EPOCH) // _MICROSECOND).to_bytes(8, "big", signed=True)
