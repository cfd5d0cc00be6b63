"""Interleaved runs, their medians and spreads, and tables of ratios."""

import statistics
from collections.abc import Callable, Sequence
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

CONSOLE = Console(width=130)


class Figure(NamedTuple):
    """Rates per second of one contestant, a run each."""

    name: str
    rates: Sequence[float]

    @property
    def median(self) -> float:
        return statistics.median(self.rates)

    @property
    def spread(self) -> str:
        return f"{min(self.rates):,.0f} to {max(self.rates):,.0f}"


def interleaved(contestants: dict[str, Callable[[], float]], *, runs: int) -> list[Figure]:
    """Run everyone in turn, so that whatever else the machine does falls on all of them."""
    rates: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(runs):
        for name, measure in contestants.items():
            rates[name].append(measure())
    return [Figure(name, values) for name, values in rates.items()]


def show(title: str, unit: str, rows: Sequence[tuple[str, Sequence[Figure]]]) -> None:
    """Print a table: in each row the first contestant's rate, and its ratio to each of the others."""
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("")
    for name in (figure.name for figure in rows[0][1]):
        table.add_column(f"{name}\n{unit}", justify="right")
    for name in (figure.name for figure in rows[0][1][1:]):
        table.add_column(f"ratio to\n{name}", justify="right")
    for label, (ours, *others) in rows:
        cells = [f"{figure.median:,.0f}\n[dim]{figure.spread}[/dim]" for figure in (ours, *others)]
        ratios = [f"[bold]{ours.median / other.median:.2f}[/bold]" for other in others]
        table.add_row(label, *cells, *ratios)
    CONSOLE.print(table)
