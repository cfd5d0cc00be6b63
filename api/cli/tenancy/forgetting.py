"""What `ordertrail forget` does."""

import getpass
from collections.abc import Sequence
from typing import NamedTuple

from api.bootstrap import open_projector, open_services
from api.cli.maintenance import tenants_of
from api.services import Services
from application.access.callers import Tenant
from domain.values import Actor, TenantName


class Subjects(NamedTuple):
    """The subjects to forget."""

    orders: Sequence[str]
    people: Sequence[str]
    integrations: Sequence[int]


async def forget(dsn: str, tenant: str, subjects: Subjects, *, by: str, bodies_url: str | None) -> None:
    """Forget the subjects one by one, and print each. Raises TenantNotFound, OrderNotFound, IntegrationNotFound,
    Unavailable.
    """
    actor = Actor(id=by or getpass.getuser(), type="Operator", application_id="ordertrail forget")
    own = open_services(dsn, as_owner=True, bodies_url=bodies_url)
    async with own as services, open_projector(dsn) as projector:
        [name] = await tenants_of(services, tenant)
        try:
            await _forget(services, name, subjects, actor)
        finally:
            # Remove their names from the view now, because no server may be running.
            await projector.catch_up(name)


async def _forget(services: Services, tenant: TenantName, subjects: Subjects, by: Actor) -> None:
    for order in subjects.orders:
        is_new = await services.orders.redact(Tenant(tenant, is_implicit=False, dintero_account=None), order, actor=by)
        print(
            f"Order {order} is forgotten."
            if is_new
            else f"Order {order} was forgotten before; what was recorded since is forgotten too."
        )
    for person in subjects.people:
        is_known = await services.erasure.forget_person(tenant, person, by=by)
        await services.credentials.forget_performer(tenant, person)
        print(
            f"Person {person} is forgotten."
            if is_known
            else f"Nothing is kept about person {person}, and nothing will be."
        )
    for integration in subjects.integrations:
        await services.erasure.forget_integration(tenant, integration, by=by)
        print(f"What was said in the calls of integration {integration} is forgotten.")
