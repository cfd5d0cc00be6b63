"""Large bodies, kept beside the ledger so that events stay small."""

from datetime import datetime
from typing import NamedTuple, Protocol

from domain.values import BodyRef, TenantName


class BodyPlace(NamedTuple):
    """Where a body is kept, as object stores tell it."""

    bucket: str
    key: str


class BodyStore(Protocol):
    """Bodies by their SHA-256: the same body is kept once for each tenant, and what was put is never changed.

    Every method but place raises Unavailable.
    """

    async def put(self, tenant: TenantName, subject: str, body: bytes) -> BodyRef:
        """Keep a body of a subject durably. Idempotent."""

    async def get(self, tenant: TenantName, digest: str) -> bytes | None:
        """Return the body with this SHA-256 in hexadecimal."""

    async def delete(self, tenant: TenantName, digest: str, *, before: datetime | None = None) -> None:
        """Delete the body with this SHA-256, whose subject was forgotten; or, with before, which has expired.

        One that was put again since that instant stays. Idempotent.
        """

    def place(self, tenant: TenantName, digest: str) -> BodyPlace:
        """Return where the body with this SHA-256 is kept."""
