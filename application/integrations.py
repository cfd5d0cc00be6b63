"""What can be done to integrations: the only place that writes them."""

from application.access import Tenant
from application.codec import encode
from application.ledger import ANY, STREAM_EXISTS, Append, EventStore, ExpectedVersion, IdempotencyKey, Write
from application.recorded import Recorded, recorded
from domain.events.integration import ExceptionLogged, IntegrationEvent, Registered


def stream_of(integration_id: int) -> str:
    """Return the name of the integration's stream."""
    return f"integration-{integration_id}"


class IntegrationService:
    """Registers integrations and logs their exceptions. Raises what EventStore.append raises."""

    def __init__(self, store: EventStore) -> None:
        self._store = store

    async def register(self, tenant: Tenant, event: Registered, *, key: IdempotencyKey | None = None) -> Recorded:
        """Make an integration known, or describe it anew."""
        return await self._append(tenant, event, ANY, key)

    async def log(self, tenant: Tenant, event: ExceptionLogged, *, key: IdempotencyKey | None = None) -> Recorded:
        """Log an exception. Raises IntegrationNotFound, unless the tenant is implicit."""
        return await self._append(tenant, event, ANY if tenant.is_implicit else STREAM_EXISTS, key)

    async def _append(
        self, tenant: Tenant, event: IntegrationEvent, expected: ExpectedVersion, key: IdempotencyKey | None
    ) -> Recorded:
        append = Append(tenant.name, (Write(event.originator_id, expected, (encode(event),)),), key)
        return await recorded(self._store, append, await self._store.append(append))
