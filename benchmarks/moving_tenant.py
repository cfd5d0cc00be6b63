"""python -m benchmarks.moving_tenant DSN: move a tenant between the nodes of a cluster while it is written to.

The DSN is that of the coordinator of an installation that is distributed. Afterwards the ledger is compared with what
was acknowledged, and with what was signed before.
"""

import argparse
import asyncio
import secrets
import time
from typing import NamedTuple

import psycopg
from psycopg.rows import namedtuple_row
from rich.table import Table

from api.bootstrap import open_sealer, open_services
from api.services import Services
from benchmarks.sample_event import append_of
from benchmarks.table import CONSOLE
from domain.errors import OutcomeUnknown, Unavailable
from domain.values import TenantName

WRITERS = 8
SECONDS = 3.0
RETRY_SECONDS = 0.02
MOVES = 2

_PLACE = """
SELECT s.shardid, n.nodename, n.nodeport
FROM (SELECT get_shard_id_for_distribution_column('ordertrail.ledgers', %s::text) AS shardid) AS s
JOIN pg_dist_placement AS p USING (shardid) JOIN pg_dist_node AS n USING (groupid)
"""
_OTHER = """
SELECT nodename, nodeport FROM pg_dist_node
WHERE isactive AND shouldhaveshards AND (nodename, nodeport) <> (%s, %s) LIMIT 1
"""
_MOVE = "SELECT citus_move_shard_placement(%s, %s, %s, %s, %s)"


class Written(NamedTuple):
    """An acknowledged event, and when it was asked for and acknowledged."""

    event_id: str
    asked: float
    acknowledged: float


async def write(services: Services, tenant: TenantName, written: list[Written], stop: asyncio.Event) -> None:
    """Append one event after the other. One whose outcome is not certain is asked for again."""
    while not stop.is_set():
        append, asked = append_of(tenant), time.monotonic()
        while True:
            try:
                await services.store.append(append)
                break
            except (Unavailable, OutcomeUnknown):
                await asyncio.sleep(RETRY_SECONDS)
        written.append(Written(append.writes[0].events[0].event_id, asked, time.monotonic()))


def move(dsn: str, tenant: TenantName) -> str:
    """Move the part that a tenant is in to another node, and say which."""
    with psycopg.connect(dsn, autocommit=True, row_factory=namedtuple_row) as connection:
        place = connection.execute(_PLACE, [tenant]).fetchone()
        assert place is not None
        other = connection.execute(_OTHER, [place.nodename, place.nodeport]).fetchone()
        assert other is not None, "The cluster has one node only"
        connection.execute(_MOVE, [place.shardid, place.nodename, place.nodeport, other.nodename, other.nodeport])
        return f"{place.nodename}:{place.nodeport} to {other.nodename}:{other.nodeport}"


async def run(dsn: str) -> None:
    tenant = TenantName(f"moving-{secrets.token_hex(4)}")
    async with open_services(dsn, as_owner=True) as owner, open_services(dsn) as services:
        await owner.credentials.create_tenant(tenant, is_implicit=True, dintero_account=None)
        written: list[Written] = []
        stop = asyncio.Event()
        writers = [asyncio.create_task(write(services, tenant, written, stop)) for _ in range(WRITERS)]
        table = Table(title="A tenant that is written to is moved", title_justify="left", title_style="bold")
        for column in ("phase", "seconds", "events/s", "longest append, ms"):
            table.add_column(column)
        await _phase(table, "before", written, asyncio.sleep(SECONDS))
        async with open_sealer(dsn) as sealer:
            await sealer.seal_all()
        for _ in range(MOVES):
            await _phase(table, "moving", written, asyncio.to_thread(move, dsn, tenant))
            await _phase(table, "after", written, asyncio.sleep(SECONDS))
        stop.set()
        await asyncio.gather(*writers)
        CONSOLE.print(table)
        await _check(dsn, services, tenant, written)


async def _phase(table: Table, name: str, written: list[Written], work: object) -> None:
    began, first = time.monotonic(), len(written)
    what = await work  # type: ignore[misc]
    took, new = time.monotonic() - began, written[first:]
    longest = max((one.acknowledged - one.asked for one in new), default=0.0)
    table.add_row(f"{name} {what or ''}", f"{took:.1f}", f"{len(new) / took:,.0f}", f"{longest * 1_000:,.0f}")


async def _check(dsn: str, services: Services, tenant: TenantName, written: list[Written]) -> None:
    """Raise AssertionError if something is missing, is there twice, or is another than what was signed."""
    async with open_sealer(dsn) as sealer:
        await sealer.seal_all()
    ids, after = [], 0
    while page := await services.store.read_ledger(tenant, after=after):
        assert [event.position for event in page] == list(range(after + 1, after + len(page) + 1)), "there is a gap"
        ids += [event.event_id for event in page]
        after += len(page)
    assert sorted(ids) == sorted(one.event_id for one in written), "the ledger has other events than were acknowledged"
    verified = await services.verification.verify(tenant, lambda *_: None)
    assert verified.damage is None, verified.damage
    assert verified.sealed == len(ids), "not all is sealed"
    CONSOLE.print(
        f"{len(ids):,} events were acknowledged, and all are there once, without a gap. "
        f"They are those that {verified.checkpoints} checkpoints were signed for, before the moves and after them."
    )


def main() -> None:
    """Move a tenant, and check it."""
    parser = argparse.ArgumentParser(prog="benchmarks.moving_tenant", description=__doc__)
    parser.add_argument("dsn")
    asyncio.run(run(parser.parse_args().dsn))


if __name__ == "__main__":
    main()
