"""A projection: a name, and a pure function from ledger entries to the rows of a view."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from application.views.projections.entries import Entry

Row = tuple[Any, ...]


def _none(_entries: Sequence[Entry]) -> Sequence[str]:
    return ()


@dataclass(frozen=True)
class Projection:
    """Derives one view. Its name is also that of the view and of its checkpoint.

    rows returns the rows to add or replace, given some entries and the present rows that they need. It skips no entry.
    needs returns the ids of the present rows that these entries change; a projection that only adds rows needs none. It
    never raises.
    """

    name: str
    rows: Callable[[Sequence[Entry], Mapping[str, Any]], Sequence[Row]]
    needs: Callable[[Sequence[Entry]], Sequence[str]] = _none


def log(name: str, types: frozenset[str], row: Callable[[Entry], Row]) -> Projection:
    """Return the projection that keeps a row for every event of these types."""
    return Projection(name, lambda entries, _present: [row(entry) for entry in entries if entry.type in types])
