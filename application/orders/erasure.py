"""Erasure: afterwards nobody can read the personal data of an order, an integration or a person."""

from contextlib import suppress

from application.bodies.vault import WITH_CONTENT, SealedBodies, digest_in
from application.ledger.codec import encode
from application.ledger.port import NO_STREAM, STREAM_EXISTS, Append, EventStore, ExpectedVersion, Write
from application.ledger.reading import stream_pages
from application.privacy.keys import KeyRing
from domain.errors import VersionConflict
from domain.events.event import Event
from domain.events.integration import IntegrationRedacted
from domain.events.person import Forgotten
from domain.streams import integration_stream, person_stream
from domain.values import Actor, TenantName


class Erasure:
    """Destroys keys and the bodies kept beside the ledger, but never an event. Every method is idempotent."""

    def __init__(self, store: EventStore, keys: KeyRing, bodies: SealedBodies) -> None:
        self._store = store
        self._keys = keys
        self._bodies = bodies

    async def erase(self, tenant: TenantName, stream: str, *, by: Actor) -> None:
        """Erase the personal data in a stream's events, and the bodies of the calls in them.

        Record the request for erasure before you call this. Raises Unavailable if a part could not be erased.
        """
        await self._keys.destroy(tenant, stream, by=by.id or by.name or "somebody")
        async for page in stream_pages(self._store, tenant, stream, types=WITH_CONTENT):
            for event in page:
                digest = digest_in(event.data)
                if digest is not None:
                    await self._bodies.delete(tenant, digest)

    async def forget_person(self, tenant: TenantName, person_id: str, *, by: Actor) -> bool:
        """Erase everything about an actor except their id; return whether there was anything to erase.

        Raises TenantNotFound.
        """
        return await self.forget_person_of(tenant, person_stream(person_id), by=by)

    async def forget_person_of(self, tenant: TenantName, stream: str, *, by: Actor) -> bool:
        """Do the same for the person whose stream this is: the id itself may not be known any more."""
        event = Forgotten(originator_id=stream, actor=by)
        is_known = bool(await self._keys.to_read(tenant, [event.originator_id]))
        with suppress(VersionConflict):  # the person was forgotten before
            await self._record(tenant, event, NO_STREAM)
        await self.erase(tenant, event.originator_id, by=by)
        return is_known

    async def forget_integration(self, tenant: TenantName, integration_id: int, *, by: Actor) -> None:
        """Erase the bodies of an integration's failed calls. Raises TenantNotFound, IntegrationNotFound."""
        event = IntegrationRedacted(originator_id=integration_stream(integration_id), actor=by)
        if not await self._store.read_stream(tenant, event.originator_id, types=(event.topic,), limit=1):
            await self._record(tenant, event, STREAM_EXISTS)
        await self.erase(tenant, event.originator_id, by=by)

    async def _record(self, tenant: TenantName, event: Event, expected: ExpectedVersion) -> None:
        await self._store.append(Append(tenant, (Write(event.originator_id, expected, (encode(event),)),)))
