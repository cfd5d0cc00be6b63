"""What a ledger's tree is of: the bytes of a whole event as it is stored, its tenant and its position among them."""

from datetime import UTC, datetime

from application.ledger import RecordedEvent
from application.transparency.tree import leaf_hash
from domain.values import TenantName

VERSION = b"ordertrail event v1\n"


def leaf_bytes(tenant: TenantName, event: RecordedEvent) -> bytes:
    r"""Return the leaf of an event.

    It is "ordertrail event v1\n", then, each preceded by its length in bytes as 8 bytes, most significant first: the
    tenant, the position, the stream, its version, the event's id, its type, when it occurred, when it was recorded,
    data and metadata. Numbers are decimal; times are of the form 2026-03-01T12:00:00.000000Z; texts are UTF-8.
    """
    fields = (
        tenant.encode(),
        b"%d" % event.position,
        event.stream.encode(),
        b"%d" % event.version,
        event.event_id.encode(),
        event.type.encode(),
        instant(event.occurred_at).encode(),
        instant(event.recorded_at).encode(),
        event.data,
        event.metadata,
    )
    return VERSION + b"".join(len(field).to_bytes(8, "big") + field for field in fields)


def leaf_hash_of(tenant: TenantName, event: RecordedEvent) -> bytes:
    """Return the hash of an event's leaf."""
    return leaf_hash(leaf_bytes(tenant, event))


def instant(moment: datetime) -> str:
    """Return a time as leaves have it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")
