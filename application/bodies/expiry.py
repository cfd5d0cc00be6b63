"""Retention: bodies of calls are kept as long as their tenant wants. The calls themselves stay in the ledger."""

import logging

from application.bodies.port import BodyStore
from application.bodies.retention import RetentionStore
from application.bodies.vault import WITH_CONTENT
from application.runtime.loops import keep_going
from application.runtime.outage_log import told
from domain.errors import Busy, Unavailable
from domain.values import TenantName

_log = logging.getLogger(__name__)

BATCH = 500
SECONDS = 60.0
"""How often we look for expired bodies."""


class Expiry:
    """Deletes expired bodies. Several may run at once, in several processes. No event is ever changed."""

    def __init__(self, retention: RetentionStore, bodies: BodyStore) -> None:
        self._retention = retention
        self._bodies = bodies

    async def expire_all(self) -> None:
        """Delete everything that is due now. An error with one tenant does not stop the others. Raises Unavailable."""
        for tenant in await self._retention.limited():
            try:
                while await self.expire(tenant):
                    pass
            except Busy as error:
                _log.warning("The expired bodies of tenant %s cannot be deleted now: %s", tenant, told(error))
            except Unavailable:
                raise
            except Exception:
                _log.exception("The expired bodies of tenant %s cannot be deleted; trying again", tenant)

    async def expire(self, tenant: TenantName, *, limit: int = BATCH) -> int:
        """Delete the bodies of a tenant's next due calls, and return the number of calls. Raises Unavailable."""
        calls = await self._retention.due(tenant, WITH_CONTENT, limit=limit)
        for call in calls:
            if call.digest is not None:
                # The same body may have been stored again since then; it is then kept under the same digest.
                await self._bodies.delete(tenant, call.digest, before=call.before)
        if calls:
            await self._retention.expire(tenant, calls[-1].position)
        return len(calls)


async def keep_expiring(expiry: Expiry, *, seconds: float = SECONDS) -> None:
    """Delete expired bodies, for ever."""
    await keep_going("expiry", expiry.expire_all, seconds=seconds)
