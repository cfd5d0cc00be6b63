"""Idempotency-Keys are forgotten after a while. The events that they recorded stay, and so do the events' ids."""

import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from application.runtime.loops import keep_going
from application.runtime.outage_log import told
from domain.errors import Busy, Unavailable
from domain.values import TenantName

_log = logging.getLogger(__name__)

BATCH = 5_000
SECONDS = 600.0
"""How often we look for old keys."""


class KeyExpiryStore(Protocol):
    """Knows the keys of all tenants. Every method raises Unavailable."""

    async def tenants(self) -> Sequence[TenantName]:
        """Return all tenants."""

    async def expire(self, tenant: TenantName, keep: timedelta, *, limit: int) -> int:
        """Delete keys that were used longer ago than this, up to a limit; return how many."""


class KeyExpiry:
    """Deletes old keys in batches. Several may run at once, in several processes."""

    def __init__(self, store: KeyExpiryStore, keep: timedelta, *, batch: int = BATCH) -> None:
        self._store = store
        self._keep = keep
        self._batch = batch

    async def expire_all(self) -> None:
        """Delete all keys that are old now. An error with one tenant does not stop the others. Raises Unavailable."""
        for tenant in await self._store.tenants():
            try:
                while await self._store.expire(tenant, self._keep, limit=self._batch) == self._batch:
                    pass
            except Busy as error:
                _log.warning("The old Idempotency-Keys of tenant %s cannot be deleted now: %s", tenant, told(error))
            except Unavailable:
                raise
            except Exception:
                _log.exception("The old Idempotency-Keys of tenant %s cannot be deleted; trying again", tenant)


async def keep_expiring_keys(expiry: KeyExpiry, *, seconds: float = SECONDS) -> None:
    """Delete old keys, for ever."""
    await keep_going("keys", expiry.expire_all, seconds=seconds)
