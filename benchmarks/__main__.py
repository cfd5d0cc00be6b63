"""python -m benchmarks [NAME]…: run the benchmarks, or some of them."""

import argparse
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks import (
    append_in_process,
    bulk,
    encryption,
    footprint,
    growth,
    http_append,
    ingest,
    long_order,
    many_tenants,
    memory,
    outage,
    overload,
    projector,
    projector_lag,
    proving,
    reads,
    rebuild_memory,
    scale,
    soak,
    streams,
    workers,
)
from benchmarks.table import CONSOLE
from infrastructure.embedded.server import embedded_server

BENCHMARKS: dict[str, Callable[[str, int], None]] = {
    "append-in-process": append_in_process.main,
    "bulk": bulk.main,
    "encryption": encryption.main,
    "footprint": footprint.main,
    "growth": growth.main,
    "http-append": http_append.main,
    "long-order": long_order.main,
    "ingest": ingest.main,
    "many-tenants": many_tenants.main,
    "memory": memory.main,
    "outage": outage.main,
    "overload": overload.main,
    "projector-catch-up": projector.main,
    "projector-lag": projector_lag.main,
    "proving": proving.main,
    "reads": reads.main,
    "rebuild-memory": rebuild_memory.main,
    "scale": scale.main,
    "soak": soak.main,
    "streams": streams.main,
    "workers": workers.main,
}


def main() -> None:
    """Run benchmarks on a PostgreSQL of their own, with durability as it comes: fsync and synchronous commit on."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], help="which; all but soak, if none is named")
    parser.add_argument("--runs", type=int, default=5, help="interleaved runs of each contestant (default 5)")
    parser.add_argument(
        "--events", type=int, default=growth.LARGE, help="events in the large ledger of growth (default 5,000,000)"
    )
    parser.add_argument(
        "--seconds",
        type=float,
        nargs="+",
        default=[35.0],
        help="how long the database of outage is away (default 35; 35 70 135 takes 12 minutes)",
    )
    parser.add_argument("--minutes", type=float, default=10.0, help="how long soak takes (default 10)")
    arguments = parser.parse_args()
    BENCHMARKS["soak"] = partial(soak.main, minutes=arguments.minutes)
    BENCHMARKS["outage"] = partial(outage.main, seconds=arguments.seconds)
    BENCHMARKS["growth"] = partial(growth.main, events=arguments.events)
    with tempfile.TemporaryDirectory(prefix="ot-bench-") as folder, embedded_server(Path(folder)) as dsn:
        for name in arguments.names or [name for name in BENCHMARKS if name != "soak"]:
            CONSOLE.rule(name)
            BENCHMARKS[name](dsn, arguments.runs)


if __name__ == "__main__":
    main()
