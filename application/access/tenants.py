"""What the operator sees of tenants."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from domain.values import TenantName


class TenantRecord(NamedTuple):
    """A tenant's settings, and how far its ledger has got."""

    tenant: TenantName
    is_implicit: bool
    dintero_account: str | None
    kept: timedelta | None
    """How long it keeps the bodies of calls; None: for ever."""
    head: int
    """The position of its newest event."""
    sealed: int
    """The size of its ledger when it was last signed."""
    created_at: datetime


class TenantRegister(Protocol):
    """Tenants, for the operator. Every method raises Unavailable."""

    async def names(self) -> Sequence[TenantName]:
        """Return all tenants by name."""

    async def find(self, tenant: TenantName) -> TenantRecord:
        """Return a tenant's record. Raises TenantNotFound."""

    async def delete(self, tenant: TenantName, *, events: int, checkpoint: str | None, by: str) -> None:
        """Delete everything of a tenant whose ledger has exactly so many events, at once and for good.

        Its name, the number of events and the last checkpoint stay. Raises LedgerHasGrown, TenantNotFound.
        """
