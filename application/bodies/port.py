"""Large bodies. They are kept beside the ledger so that events stay small."""

from datetime import datetime
from typing import NamedTuple, Protocol

from domain.values import BodyRef, TenantName


class BodyPlace(NamedTuple):
    """Where a body is kept, in the words of object stores."""

    bucket: str
    key: str


class BodyStore(Protocol):
    """Bodies by their SHA-256. Each tenant keeps the same body once. A stored body never changes.

    Every method but place raises Unavailable.
    """

    async def put(self, tenant: TenantName, subject: str, body: bytes) -> BodyRef:
        """Keep a body of a subject durably. Idempotent."""

    async def get(self, tenant: TenantName, digest: str) -> bytes | None:
        """Return the body with this SHA-256 in hexadecimal."""

    async def delete(self, tenant: TenantName, digest: str, *, before: datetime | None = None) -> None:
        """Delete the body with this SHA-256, because its subject was forgotten or, with before, because it has expired.

        A body that was stored again after before stays. Idempotent.
        """

    def place(self, tenant: TenantName, digest: str) -> BodyPlace:
        """Return where the body with this SHA-256 is kept."""
