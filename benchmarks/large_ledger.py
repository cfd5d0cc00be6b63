"""Large ledgers with their views, generated in the database: what is measured is what reads them afterwards."""

from itertools import pairwise
from pathlib import Path

import psycopg

PART = 500_000
SCRIPT = Path(__file__).with_suffix(".sql")


def generate(connection: psycopg.Connection, tenant: str, events: int) -> None:
    """Create a tenant whose ledger has so many events, a multiple of 12,500, in orders of 125 events: A-1, A-2 …"""
    script = SCRIPT.read_bytes()
    for after, upto in pairwise([*range(0, events, PART), events]):
        connection.execute(
            "SELECT set_config('bench.tenant', %s, false), set_config('bench.after', %s, false),"
            " set_config('bench.upto', %s, false)",
            [tenant, str(after), str(upto)],
        )
        connection.execute(script)
    connection.execute("ANALYZE")
