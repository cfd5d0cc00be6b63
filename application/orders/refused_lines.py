"""The lines of bulk loads that were refused, kept for a while for whoever sent them."""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple, Protocol

from domain.values import TenantName

KEEP = timedelta(days=7)


class RefusedLine(NamedTuple):
    """A line, and the JSON that says why it was refused."""

    line: int
    refusal: str


class RefusedLines(Protocol):
    """Where refused lines are kept. Every method raises Unavailable."""

    async def keep(self, tenant: TenantName, load_id: str, lines: Sequence[RefusedLine]) -> None:
        """Keep these lines for a week, and delete those of the tenant that have expired. Idempotent."""

    async def read(self, tenant: TenantName, load_id: str, *, after: int, limit: int) -> list[RefusedLine]:
        """Return lines of a load after this one, in order."""
