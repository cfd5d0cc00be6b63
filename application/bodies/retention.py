"""How long tenants keep the bodies of calls."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from domain.values import TenantName


class Kept(NamedTuple):
    """How long a tenant keeps the bodies of calls (None: for ever), and the position up to which they have expired."""

    period: timedelta | None
    expired: int


class DueCall(NamedTuple):
    """An event about a call that was recorded before an instant, which is too long ago. digest is that of its body."""

    position: int
    digest: str | None
    before: datetime


class RetentionStore(Protocol):
    """Holds how long each tenant keeps the bodies of calls. Every method raises Unavailable."""

    async def keep(self, tenant: TenantName, period: timedelta | None) -> None:
        """Keep a tenant's bodies for a period, or for ever. Expired bodies stay expired. Raises TenantNotFound."""

    async def keep_instead(self, tenant: TenantName, known: Kept, period: timedelta | None) -> bool:
        """Do what keep does, if the stored settings are still known; return whether they are."""

    async def find(self, tenant: TenantName) -> Kept:
        """Return a tenant's settings. A tenant that has set nothing keeps everything."""

    async def limited(self) -> list[TenantName]:
        """Return the tenants that do not keep their bodies for ever."""

    async def due(self, tenant: TenantName, types: Sequence[str], *, limit: int) -> list[DueCall]:
        """Return a tenant's next events of these types that are due, in ledger order."""

    async def expire(self, tenant: TenantName, upto: int) -> None:
        """Record that the bodies of calls up to a position have expired. The position never goes back."""
