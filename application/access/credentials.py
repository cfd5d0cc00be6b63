"""How credentials end, and what whoever runs the store sees of them: never a secret."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, Protocol

from application.access.tokens import TOKEN_PREFIX
from domain.values import Actor, TenantName


class KeyState(StrEnum):
    """What a credential is good for at some moment."""

    ACTIVE = "active"
    ROTATING = "rotating"
    """Its secret was replaced, and for a while the one before is good as well."""
    EXPIRED = "expired"
    REVOKED = "revoked"

    @property
    def is_usable(self) -> bool:
        return self in {KeyState.ACTIVE, KeyState.ROTATING}


class Ends(NamedTuple):
    """When a credential ends, and when the secret ends that it had before its present one."""

    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    earlier_until: datetime | None = None

    def state(self, now: datetime) -> KeyState:
        """Return what the credential is good for now: the one rule, for requests and for lists."""
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
    """A credential as it is shown, once: when it is created, and when its secret is replaced."""

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
    """Where credentials are kept, for whoever runs the store. Every method raises Unavailable."""

    async def of_tenant(self, tenant: TenantName) -> Sequence[KeyRecord]:
        """Return a tenant's credentials, those that have ended too, in the order in which they were created."""

    async def find(self, key_id: str, tenant: TenantName | None = None) -> KeyRecord:
        """Return the credential with this key id, of this tenant if one is named. Raises KeyNotFound."""

    async def revoke(self, key: KeyRecord) -> bool:
        """End a credential for good; return whether it had not been revoked before."""

    async def rotate(self, key: KeyRecord, *, keep: timedelta) -> NewKey:
        """Replace a credential's secret. The present one stays good for a while; one from before it ends at once.

        Raises KeyHasEnded if it was revoked, or has expired.
        """
