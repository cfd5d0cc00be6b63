"""Proving a ledger: verifying and sealing it, beside a client that reads its rows and chains hashes over them."""

import resource
import time
from hashlib import sha256

import psycopg
import uvloop

from api.bootstrap import open_sealer, open_services
from benchmarks.databases import fresh_database
from benchmarks.large_ledger import generate
from benchmarks.table import CONSOLE, interleaved, show
from domain.values import TenantName

EVENTS = 200_000
TENANT = TenantName("bench")


async def seal(dsn: str) -> float:
    """Build the whole tree anew; return how many events were sealed per second."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("TRUNCATE ordertrail.trees, ordertrail.tiles, ordertrail.tree_heads")
    async with open_sealer(dsn) as sealer:
        started = time.perf_counter()
        await sealer.seal_all()
        return EVENTS / (time.perf_counter() - started)


async def verify(dsn: str, *, holds: bool = False) -> float:
    """Verify the ledger as `ordertrail verify` does, with a checkpoint or without; return how many events a second."""
    async with open_services(dsn) as services:
        held = [await services.proofs.checkpoint(TENANT)] if holds else []
        started = time.perf_counter()
        verified = await services.verification.verify(TENANT, lambda *_: None, held=held)
        rate = EVENTS / (time.perf_counter() - started)
    assert (verified.events, verified.sealed, verified.damage) == (EVENTS, EVENTS, None), verified
    return rate


def chain(dsn: str) -> float:
    """Read the rows in order and hash each with the hash before, as stores do that chain them."""
    query = "SELECT * FROM ordertrail.events WHERE tenant = %s ORDER BY position"
    digest = b""
    with psycopg.connect(dsn) as connection, connection.cursor("rows", binary=True) as cursor:
        cursor.itersize = 10_000
        started = time.perf_counter()
        for row in cursor.execute(query, [TENANT]):
            digest = sha256(digest + "|".join(map(str, row)).encode()).digest()
        return EVENTS / (time.perf_counter() - started)


def main(server: str, runs: int) -> None:
    """Print the table."""
    with fresh_database(server, is_ours=True) as dsn:
        with psycopg.connect(dsn, autocommit=True) as connection:
            generate(connection, TENANT, EVENTS)
            connection.execute("VACUUM ANALYZE ordertrail.events")
        sealing, verifying, distrusting, chaining = interleaved(
            {
                "Ordertrail": lambda: uvloop.run(seal(dsn)),
                "Ordertrail ": lambda: uvloop.run(verify(dsn)),
                "Ordertrail  ": lambda: uvloop.run(verify(dsn, holds=True)),
                "a hash chain\nover rows": lambda: chain(dsn),
            },
            runs=runs,
        )
        rows = {"seal": sealing, "verify": verifying, "verify --checkpoint": distrusting}
        show("Proving a ledger", "events/s", [(name, (ours, chaining)) for name, ours in rows.items()])
        megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        CONSOLE.print(f"{EVENTS:,} events; this process took {megabytes:,.0f} MB at most")
