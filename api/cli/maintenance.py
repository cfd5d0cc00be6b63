"""The work of commands that create tenants and credentials."""

import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from api.bootstrap import open_services
from api.cli.keys import new_key_document
from api.services import Services
from application.access.scopes import RESOURCES, ROLES
from domain.errors import OrdertrailError, TenantExists, TenantNotFound
from domain.values import Actor, TenantName

DEMO_TENANT = "demo"
DEMO_ACCOUNT = "T12345678"
_TENANT_NAME = re.compile(r"[A-Za-z0-9_-]{1,63}")
_ACCOUNT = re.compile(r"[PT]\d{8}")
_SCOPE = re.compile(rf"(admin|read|write)(:({'|'.join(RESOURCES)})(:/\S+)?)?|{'|'.join(ROLES)}")


class InvalidArgument(OrdertrailError):
    """An argument is not valid."""


async def create_tenant(
    dsn: str, name: str, *, is_implicit: bool, dintero_account: str | None, may_return: bool = False
) -> None:
    """Create a tenant. Raises TenantExists, AccountTaken, TenantWasDeleted, InvalidArgument."""
    if not _TENANT_NAME.fullmatch(name):
        raise InvalidArgument(f"{name!r} cannot be a tenant's name: use up to 63 letters, digits, - and _")
    if dintero_account is not None and not _ACCOUNT.fullmatch(dintero_account):
        raise InvalidArgument(f"{dintero_account!r} is not a Dintero account: write P or T and eight digits")
    async with open_services(dsn, as_owner=True) as services:
        await services.credentials.create_tenant(
            name, is_implicit=is_implicit, dintero_account=dintero_account, may_return=may_return
        )


async def retain(dsn: str, tenant: str, days: int | None) -> None:
    """Keep the bodies of a tenant's calls for so many days, or for ever. Raises TenantNotFound."""
    async with open_services(dsn, as_owner=True) as services:
        await services.retention.keep(TenantName(tenant), None if days is None else timedelta(days))


async def create_key(
    dsn: str,
    tenant: str,
    *,
    scopes: tuple[str, ...],
    name: str,
    performer: Actor | None = None,
    expires_at: datetime | None = None,
) -> dict[str, Any]:
    """Create a credential and return it with its secret. Raises TenantNotFound, InvalidArgument."""
    for scope in scopes:
        if not _SCOPE.fullmatch(scope):
            raise InvalidArgument(
                f"{scope!r} is not a scope: write {', '.join(ROLES)}, or admin, read or write, alone or with a "
                f"resource ({', '.join(RESOURCES)}) and a path, such as write:orders:/A-1001/comments"
            )
    async with open_services(dsn, as_owner=True) as services:
        key = await services.credentials.create_key(
            tenant, scopes=scopes, name=name or tenant, performer=performer, expires_at=expires_at
        )
    return new_key_document(key)


def performer_of(id_: str | None, name: str, type_: str) -> Actor | None:
    """Return the person that a program acts for; None if none is named. Raises InvalidArgument."""
    if not id_ and name:
        raise InvalidArgument("A performer needs an id, by which others know them")
    try:
        return Actor(id=id_, name=name, type=type_) if id_ else None
    except ValidationError as invalid:
        raise InvalidArgument("A performer's id, name and type are texts of at most 255 characters") from invalid


async def demo_key(dsn: str) -> dict[str, Any]:
    """Return a new credential of the demo's tenant, which is created if it is missing."""
    async with open_services(dsn, as_owner=True) as services:
        with suppress(TenantExists):
            await services.credentials.create_tenant(DEMO_TENANT, is_implicit=False, dintero_account=DEMO_ACCOUNT)
        key = await services.credentials.create_key(DEMO_TENANT, scopes=("admin",), name="Demo")
    return new_key_document(key)


async def tenants_of(services: Services, only: str | None) -> Sequence[TenantName]:
    """Return the named tenant, or all tenants. Raises TenantNotFound."""
    tenants = await services.credentials.tenants()
    if only is not None and only not in tenants:
        raise TenantNotFound(only)
    return tenants if only is None else [TenantName(only)]
