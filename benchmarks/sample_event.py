"""The event that is appended again and again: a warehouse's report, of the size that such reports have."""

from application.ledger.codec import new_event_id
from application.ledger.port import ANY, Append, NewEvent, Write
from domain.values import TenantName
from infrastructure.ledger.group_commit import open_group_commit

TYPE = "order.service_event_recorded"
DATA = (
    b'{"state":"success","service":"warehouse","service_status":"ready_for_pickup","description":"food prepared",'
    b'"metadata":{"pickup_location":{"latitude":37.42242,"longitude":-122.08585,"postal_code":"0342"}}}'
)
METADATA = b'{"schema_version":1,"actor":{"id":"60c1e027a47d91004377f129","name":"shop","type":"User"}}'


def new_event() -> NewEvent:
    """Return the event, with an id of its own."""
    return NewEvent(new_event_id(), TYPE, DATA, METADATA, None)


def append_of(tenant: TenantName, events: int = 1) -> Append:
    """Return an append of so many events to a stream that nobody wrote to before."""
    return Append(tenant, (Write(f"order-{new_event_id()}", ANY, tuple(new_event() for _ in range(events))),))


async def begin_orders(dsn: str, tenant: TenantName, orders: int) -> None:
    """Append the event to the orders A-0, A-1 …: an order's first event over HTTP would look for its reference."""
    async with open_group_commit(dsn) as group_commit:
        writes = tuple(Write(f"order-A-{n}", ANY, (new_event(),)) for n in range(orders))
        await group_commit.append(Append(tenant, writes))
