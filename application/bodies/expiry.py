"""Retention: what was said in calls is kept for as long as its tenant wants; that there were calls stays known."""

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
"""How often it is looked whether something expired."""


class Expiry:
    """Deletes what has expired. Several may run at once, here and elsewhere; an event is never changed."""

    def __init__(self, retention: RetentionStore, bodies: BodyStore) -> None:
        self._retention = retention
        self._bodies = bodies

    async def expire_all(self) -> None:
        """Delete whatever is due now; what is wrong with one tenant's keeps no other's. Raises Unavailable."""
        for tenant in await self._retention.limited():
            try:
                while await self.expire(tenant):
                    pass
            except Busy as error:
                _log.warning("What has expired of tenant %s cannot be deleted now: %s", tenant, told(error))
            except Unavailable:
                raise
            except Exception:
                _log.exception("What has expired of tenant %s cannot be deleted; it is tried again", tenant)

    async def expire(self, tenant: TenantName, *, limit: int = BATCH) -> int:
        """Delete what was said in a tenant's next calls that are due; return how many they were. Raises Unavailable."""
        calls = await self._retention.due(tenant, WITH_CONTENT, limit=limit)
        for call in calls:
            if call.digest is not None:
                # The same may have been said again since, and is the same content.
                await self._bodies.delete(tenant, call.digest, before=call.before)
        if calls:
            await self._retention.expire(tenant, calls[-1].position)
        return len(calls)


async def keep_expiring(expiry: Expiry, *, seconds: float = SECONDS) -> None:
    """Delete whatever expires, for ever."""
    await keep_going("expiry", expiry.expire_all, seconds=seconds)
