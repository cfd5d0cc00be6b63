"""A writer as a process of its own, to be killed: prints the ids of an append's events once it is acknowledged."""

import asyncio
import sys

from application.ledger.port import ANY, Append, Exactly, NewEvent, Write
from domain.errors import OutcomeUnknown, Unavailable
from domain.values import TenantName
from infrastructure.ledger.group_commit import GroupCommit, open_group_commit

TASKS = 8


async def keep_writing(writer: GroupCommit, tenant: TenantName, name: str) -> None:
    """Append to a stream of one's own and to one that everybody writes to; with the same ids until that is known."""
    n = 0
    while True:
        own, shared = (
            NewEvent(f"{name}-{n}-own", "t", b"1", b"", None),
            NewEvent(f"{name}-{n}-shared", "t", b"2", b"", None),
        )
        append = Append(tenant, (Write(f"order-{name}", Exactly(n), (own,)), Write("order-0", ANY, (shared,))))
        try:
            await writer.append(append)
        except (OutcomeUnknown, Unavailable):
            await asyncio.sleep(0.02)
        else:
            print(own.event_id, shared.event_id, flush=True)  # noqa: T201 the parent reads it
            n += 1


async def main(dsn: str, tenant: str, name: str) -> None:
    async with open_group_commit(dsn, reconnect_seconds=(0.0, 0.05)) as writer:
        await asyncio.gather(*(keep_writing(writer, TenantName(tenant), f"{name}-{n}") for n in range(TASKS)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
