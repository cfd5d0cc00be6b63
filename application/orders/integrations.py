"""What you can do to integrations. Only this service writes them."""

from application.access.callers import Tenant
from application.bodies.failed_calls import slim
from application.bodies.vault import SealedBodies
from application.ledger.codec import draft
from application.ledger.outcome import Recorded, recorded
from application.ledger.port import ANY, STREAM_EXISTS, Append, EventStore, ExpectedVersion, IdempotencyKey, Write
from domain.events.integration import ExceptionLogged, IntegrationEvent, Recovered, Registered
from domain.values import Origin


class IntegrationService:
    """Registers integrations and logs their exceptions. Raises what EventStore.append raises."""

    def __init__(self, store: EventStore, bodies: SealedBodies, *, origin: Origin | None = None) -> None:
        self._store = store
        self._bodies = bodies
        self._origin = origin

    def on_behalf_of(self, origin: Origin) -> "IntegrationService":
        """Return a service that records this request as the origin of every event it records."""
        return IntegrationService(self._store, self._bodies, origin=origin)

    async def register(self, tenant: Tenant, event: Registered, *, key: IdempotencyKey | None = None) -> Recorded:
        """Register an integration, or describe it again."""
        return await self._append(tenant, event, ANY, key)

    async def log(self, tenant: Tenant, event: ExceptionLogged, *, key: IdempotencyKey | None = None) -> Recorded:
        """Log an exception; its large parts are kept beside the ledger. Raises IntegrationNotFound, as recover does."""
        event = await slim(self._bodies, tenant.name, event)
        return await self._append(tenant, event, _known(tenant), key)

    async def recover(self, tenant: Tenant, event: Recovered, *, key: IdempotencyKey | None = None) -> Recorded:
        """Record that an integration's calls work again. Raises IntegrationNotFound, unless the tenant is implicit."""
        return await self._append(tenant, event, _known(tenant), key)

    async def _append(
        self, tenant: Tenant, event: IntegrationEvent, expected: ExpectedVersion, key: IdempotencyKey | None
    ) -> Recorded:
        append = Append(tenant.name, (Write(event.originator_id, expected, (draft(event, self._origin),)),), key)
        return await recorded(self._store, append, await self._store.append(append))


def _known(tenant: Tenant) -> ExpectedVersion:
    return ANY if tenant.is_implicit else STREAM_EXISTS
