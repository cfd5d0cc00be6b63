"""Tenants and their credentials, for the operator who creates them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from application.access.credentials import NewKey
from domain.values import Actor, TenantName


class Accounts(Protocol):
    """Creates tenants and credentials, as the owner of the database. Every method raises Unavailable."""

    async def create_tenant(
        self, tenant: str, *, is_implicit: bool, dintero_account: str | None, may_return: bool = False
    ) -> None:
        """Create a tenant and its empty ledger. Raises TenantExists, AccountTaken.

        Raises TenantWasDeleted if there was a tenant of this name, unless it may return: its own events are imported.
        """

    async def create_key(
        self,
        tenant: str,
        *,
        scopes: tuple[str, ...],
        name: str,
        performer: Actor | None = None,
        expires_at: datetime | None = None,
    ) -> NewKey:
        """Create a credential. Its secret is in the result and nowhere else. Raises TenantNotFound."""

    async def forget_performer(self, tenant: TenantName, person_id: str) -> None:
        """Erase this person's, or this program's, name from the tenant's credentials. Idempotent."""

    async def tenants(self) -> Sequence[TenantName]:
        """Return all tenants by name."""
