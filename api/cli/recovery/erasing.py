"""Erasures that a restored copy does not know of: they are done again."""

from collections.abc import Sequence
from contextlib import suppress

from api.bootstrap import open_projector, open_register, open_services
from api.services import Register, Services
from application.access.callers import Tenant
from application.privacy.erasures import Erased
from domain.errors import NotFound
from domain.streams import integration_id_of, integration_stream, order_id_of, order_stream, person_stream
from domain.values import Actor, TenantName


async def erase_again(dsn: str, listed: Sequence[Erased], *, bodies_url: str | None) -> int:
    """Erase what is listed and not erased here, and record that. Return how many subjects that were.

    A list may name tenants that are not here. Raises Unavailable.
    """
    count = 0
    own = open_services(dsn, as_owner=True, bodies_url=bodies_url)
    async with own as services, open_register(dsn) as register, open_projector(dsn) as projector:
        for tenant in await register.tenants.names():
            done = {erased.subject for erased in await register.erasures.of_tenant(tenant)}
            rest = [erased for erased in listed if erased.tenant == tenant and erased.subject not in done]
            if rest:
                # The references of orders are found in views, and a copy's views may lag.
                await projector.catch_up(tenant)
            for erased in rest:
                await _erase(services, register, erased)
            if rest:
                await projector.catch_up(tenant)
            count += len(rest)
    return count


async def _erase(services: Services, register: Register, erased: Erased) -> None:
    """Erase one subject's data, and record it if the ledger has the subject."""
    tenant, subject = TenantName(erased.tenant), erased.subject
    by = Actor(id=erased.by, type="Operator", application_id="ordertrail restore")
    with suppress(NotFound):  # it came into being after the copy was made
        if subject == order_stream(order_id := order_id_of(subject)):
            await services.orders.redact(Tenant(tenant, is_implicit=False, dintero_account=None), order_id, actor=by)
        elif (number := integration_id_of(subject)).isdecimal() and subject == integration_stream(int(number)):
            await services.erasure.forget_integration(tenant, int(number), by=by)
        else:
            await services.erasure.forget_person_of(tenant, subject, by=by)
            await _forget_names(services, register, tenant, subject)
    await services.erasure.erase(tenant, subject, by=by)


async def _forget_names(services: Services, register: Register, tenant: TenantName, subject: str) -> None:
    """Remove a person's name from credentials. Only the digest of the person's id is known."""
    for key in await register.keys.of_tenant(tenant):
        for person in {key.key_id, key.performer.id if key.performer else key.key_id}:
            if person_stream(person) == subject:
                await services.credentials.forget_performer(tenant, person)
