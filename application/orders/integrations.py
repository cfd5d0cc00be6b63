"""What you can do to integrations. Only this service writes them."""

from application.access.callers import Tenant
from application.bodies.failed_calls import slim
from application.bodies.vault import SealedBodies
from application.ledger.codec import draft
from application.ledger.outcome import Recorded
from application.ledger.port import ANY, STREAM_EXISTS, Append, EventStore, ExpectedVersion, IdempotencyKey, Write
from application.ledger.telling import tell
from application.runtime.request_context import current_origin
from domain.events.integration import ExceptionLogged, IntegrationEvent, Recovered, Registered


class IntegrationService:
    """Registers integrations and logs their exceptions. Raises what EventStore.append raises."""

    def __init__(self, store: EventStore, bodies: SealedBodies) -> None:
        self._store = store
        self._bodies = bodies

    async def register(
        self,
        tenant: Tenant,
        event: Registered,
        *,
        expected: ExpectedVersion | None = None,
        key: IdempotencyKey | None = None,
    ) -> Recorded:
        """Make an integration known, or describe it anew."""
        return await self._append(tenant, event, expected or ANY, key)

    async def log(self, tenant: Tenant, event: ExceptionLogged, *, key: IdempotencyKey | None = None) -> Recorded:
        """Log an exception; its large parts are kept beside the ledger. Raises IntegrationNotFound, as recover does."""
        event = await slim(self._bodies, tenant.name, event)
        return await self._append(tenant, event, _known(tenant), key)

    async def recover(
        self,
        tenant: Tenant,
        event: Recovered,
        *,
        expected: ExpectedVersion | None = None,
        key: IdempotencyKey | None = None,
    ) -> Recorded:
        """Note that an integration's calls succeed again. Raises IntegrationNotFound, unless the tenant is implicit."""
        return await self._append(tenant, event, expected or _known(tenant), key)

    async def _append(
        self, tenant: Tenant, event: IntegrationEvent, expected: ExpectedVersion, key: IdempotencyKey | None
    ) -> Recorded:
        write = Write(event.originator_id, expected, (draft(event, current_origin()),))
        return await tell(self._store, Append(tenant.name, (write,), key))


def _known(tenant: Tenant) -> ExpectedVersion:
    return ANY if tenant.is_implicit else STREAM_EXISTS
