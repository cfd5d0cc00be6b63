"""Lists for people, in columns."""

from collections.abc import Sequence
from datetime import datetime

from rich.cells import cell_len


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return rows below their heads. Each column is as wide as its content."""
    lines = [[_cell(text) for text in row] for row in (heads, *rows)]
    widths = [max(map(cell_len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(_line(line, widths) for line in lines)


def minute(moment: datetime | None) -> str:
    """Return a time in UTC for people, to the minute; an empty text for None."""
    return "" if moment is None else f"{moment:%Y-%m-%dT%H:%MZ}"


def _cell(text: str) -> str:
    return printable(text).replace("\n", "\\n") or "-"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [cell + " " * (width - cell_len(cell)) for cell, width in zip(cells, widths, strict=True)]
    return "  ".join(padded).rstrip()


def printable(text: str) -> str:
    """Return a text that cannot control a terminal, whoever wrote it."""
    return "".join([c if c.isprintable() or c == "\n" else ascii(c).strip("'") for c in text])
