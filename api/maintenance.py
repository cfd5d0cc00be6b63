"""What the command line does to an installation, besides serving."""

import asyncio
import functools
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from pydantic import ValidationError
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from api.bootstrap import Services, TenantExists, open_projector, open_services
from application.projector import Projector
from domain.errors import OrdertrailError, TenantNotFound
from domain.values import Actor, TenantName

DEMO_TENANT = "demo"
DEMO_ACCOUNT = "T12345678"
PAUSE_SECONDS = 0.05
_TENANT_NAME = re.compile(r"[A-Za-z0-9_-]{1,63}")
_ACCOUNT = re.compile(r"[PT]\d{8}")
_SCOPE = re.compile(r"(admin|read|write)(:[a-z_]+(:/\S+)?)?")


class InvalidArgument(OrdertrailError):
    """An argument is not valid."""


class ViewStopped(OrdertrailError):
    """A view stopped at an event that it cannot read."""


async def create_tenant(dsn: str, name: str, *, is_implicit: bool, dintero_account: str | None) -> None:
    """Create a tenant. Raises TenantExists, InvalidArgument."""
    if not _TENANT_NAME.fullmatch(name):
        raise InvalidArgument(f"{name!r} cannot be a tenant's name: use up to 63 letters, digits, - and _")
    if dintero_account is not None and not _ACCOUNT.fullmatch(dintero_account):
        raise InvalidArgument(f"{dintero_account!r} is not a Dintero account: P or T and eight digits")
    async with open_services(dsn) as services:
        await services.credentials.create_tenant(name, is_implicit=is_implicit, dintero_account=dintero_account)


async def create_key(
    dsn: str, tenant: str, *, scopes: tuple[str, ...], name: str, performer: Actor | None = None
) -> dict[str, Any]:
    """Create a credential and return it with its secret. Raises TenantNotFound, InvalidArgument."""
    for scope in scopes:
        if not _SCOPE.fullmatch(scope):
            raise InvalidArgument(f"{scope!r} is not a scope: admin, read or write, then :resource, then :/path")
    async with open_services(dsn) as services:
        return await _key(services, tenant, scopes, name, performer)


def performer_of(id_: str | None, name: str, type_: str) -> Actor | None:
    """Return the person a program acts for, None if nothing is said of one. Raises InvalidArgument."""
    if not id_ and name:
        raise InvalidArgument("A performer needs an id, by which others know them")
    try:
        return Actor(id=id_, name=name, type=type_) if id_ else None
    except ValidationError as invalid:
        raise InvalidArgument("A performer's id, name and type are texts of at most 255 characters") from invalid


async def demo_key(dsn: str) -> dict[str, Any]:
    """Return a new credential of the demo's tenant, which is created if it does not exist."""
    async with open_services(dsn) as services:
        with suppress(TenantExists):
            await services.credentials.create_tenant(DEMO_TENANT, is_implicit=False, dintero_account=DEMO_ACCOUNT)
        return await _key(services, DEMO_TENANT, ("admin",), "Demo")


async def _key(
    services: Services, tenant: str, scopes: tuple[str, ...], name: str, performer: Actor | None = None
) -> dict[str, Any]:
    key = await services.credentials.create_key(tenant, scopes=scopes, name=name or tenant, performer=performer)
    return {**key._asdict(), "scopes": list(key.scopes)}


async def rebuild(dsn: str, views: tuple[str, ...], only_tenant: str | None) -> None:
    """Empty views and fill them again from the ledger, showing progress.

    Raises InvalidArgument, TenantNotFound, ViewStopped.
    """
    async with open_services(dsn) as services, open_projector(dsn) as projector:
        names = tuple(dict.fromkeys(views or projector.names))
        if unknown := set(names) - set(projector.names):
            raise InvalidArgument(
                f"There is no view {', '.join(sorted(unknown))}; there are {', '.join(projector.names)}"
            )
        tenants = await services.credentials.tenants()
        if only_tenant is not None and only_tenant not in tenants:
            raise TenantNotFound(only_tenant)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns) as progress:
            for tenant in [TenantName(only_tenant)] if only_tenant else tenants:
                task = progress.add_task(tenant, total=None)
                await _rebuild(services, projector, tenant, names, functools.partial(progress.update, task))


async def _rebuild(
    services: Services, projector: Projector, tenant: TenantName, names: Sequence[str], show: Callable[..., None]
) -> None:
    """Empty views of a tenant, and project until they have read the ledger as it is now."""
    await projector.rebuild(tenant, names)
    progress = await services.queries.views.progress(tenant, names)
    head = progress.head
    while progress.reached < head:
        if progress.is_stopped:
            raise ViewStopped(
                f"A view of {tenant} stopped after position {progress.reached}; /readyz says which and why"
            )
        show(total=head, completed=progress.reached)
        if not await projector.project(tenant):
            # A projector of a running server has taken over.
            await asyncio.sleep(PAUSE_SECONDS)
        progress = await services.queries.views.progress(tenant, names)
    show(total=head, completed=head)
