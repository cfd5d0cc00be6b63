"""python -m tests.faults: inflicts every kind of fault, and prints the table of docs/reliability.md."""

import argparse
import tempfile
from pathlib import Path

from rich.console import Console

from infrastructure.embedded.server import embedded_server
from tests.faults.kinds import KINDS
from tests.faults.run import Result, running

CONSOLE = Console(width=160, soft_wrap=True)


def main() -> None:
    """Run the faults, and end with status 1 if anything was found that must not be."""
    parser = argparse.ArgumentParser(prog="faults", description=__doc__)
    parser.add_argument("names", nargs="*", help="kinds whose names hold one of these words; all, if there are none")
    parser.add_argument("--events", type=int, default=1_000_000, help="how many events are acknowledged at least")
    parser.add_argument("--rounds", type=int, default=1, help="how often every kind is inflicted")
    parser.add_argument("--batch", type=int, default=100, help="events in a request")
    parser.add_argument("--writers", type=int, default=6, help="writers of each tenant")
    arguments = parser.parse_args()
    kinds = [k for k in KINDS if not arguments.names or any(name in k.name for name in arguments.names)]
    with tempfile.TemporaryDirectory(prefix="ot-faults-", dir="/tmp") as name:
        folder = Path(name)
        with embedded_server(folder / "data"):
            pass
        settings = {"workers": 2, "writers": arguments.writers, "racers": 4, "batch": arguments.batch}
        with running(folder, folder / "data", **settings) as run:
            results = []
            for _ in range(arguments.rounds):
                for kind in kinds:
                    results.append(run.inflict(kind))
                    CONSOLE.print(row(results[-1]), highlight=False)
            run.write(max(arguments.events - run.acknowledged, 0))
    CONSOLE.print(
        f"{run.acknowledged:,} events were acknowledged; {sum(r.history for r in results):,} racing operations"
    )
    for fault in run.faults:
        CONSOLE.print(f"[red]{fault}[/red]")
    raise SystemExit(bool(run.faults))


def row(result: Result) -> str:
    """Return a line of the table."""
    return (
        f"| {result.kind} | {result.acknowledged:,} | {result.refused} | {result.unknown} | {result.lost} "
        f"| {result.doubled} | {result.writes_again:.1f} | {result.reads_again:.1f} |"
    )


if __name__ == "__main__":
    main()
