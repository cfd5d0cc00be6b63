"""How credentials end, and what the operator sees of them: never a secret."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, Protocol

from application.access.tokens import TOKEN_PREFIX
from domain.values import Actor, TenantName


class KeyState(StrEnum):
    """The state of a credential at some moment."""

    ACTIVE = "active"
    ROTATING = "rotating"
    """Its secret was replaced, and the previous one is still valid for a while."""
    EXPIRED = "expired"
    REVOKED = "revoked"

    @property
    def is_usable(self) -> bool:
        return self in {KeyState.ACTIVE, KeyState.ROTATING}


class Ends(NamedTuple):
    """When a credential ends, and when its previous secret ends."""

    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    earlier_until: datetime | None = None

    def state(self, now: datetime) -> KeyState:
        """Return the credential's state now. Requests and lists use this one rule."""
        if self.revoked_at is not None:
            return KeyState.REVOKED
        if self.expires_at is not None and self.expires_at <= now:
            return KeyState.EXPIRED
        if self.earlier_until is not None and now < self.earlier_until:
            return KeyState.ROTATING
        return KeyState.ACTIVE


class KeyRecord(NamedTuple):
    """A credential as it is listed."""

    tenant: TenantName
    key_id: str
    name: str
    scopes: tuple[str, ...]
    performer: Actor | None
    created_at: datetime
    rotated_at: datetime | None
    ends: Ends


class NewKey(NamedTuple):
    """A credential as it is shown once: when it is created, and when its secret is replaced."""

    tenant: str
    key_id: str
    secret: str
    scopes: tuple[str, ...]
    expires_at: datetime | None

    @property
    def token(self) -> str:
        """The credential in one piece."""
        return f"{TOKEN_PREFIX}{self.key_id}_{self.secret}"


class KeyRegister(Protocol):
    """Credentials, for the operator. Every method raises Unavailable."""

    async def of_tenant(self, tenant: TenantName) -> Sequence[KeyRecord]:
        """Return a tenant's credentials in the order in which they were created, including those that have ended."""

    async def find(self, key_id: str, tenant: TenantName | None = None) -> KeyRecord:
        """Return the credential with this key id, of this tenant if one is named. Raises KeyNotFound."""

    async def revoke(self, key: KeyRecord) -> bool:
        """End a credential for good; return whether it had not been revoked before."""

    async def rotate(self, key: KeyRecord, *, keep: timedelta) -> NewKey:
        """Replace a credential's secret. The present secret stays valid for a while; an older one ends at once.

        Raises KeyHasEnded if the credential was revoked, or has expired.
        """


class TenantKeys(Protocol):
    """The credentials of a tenant, for its own people. Every method raises Unavailable."""

    async def of_tenant(self, tenant: TenantName) -> Sequence[KeyRecord]:
        """Return a tenant's credentials in the order in which they were created, including those that have ended."""

    async def create(self, tenant: TenantName, *, scopes: tuple[str, ...], name: str, period: timedelta) -> NewKey:
        """Create a credential that ends after a period, of a year at most. Raises TenantNotFound."""

    async def revoke(self, tenant: TenantName, key_id: str) -> bool:
        """End a credential of the tenant for good; return whether there was one that had not been revoked before."""
