"""Large bodies, kept beside the ledger so that events stay small."""

from typing import Protocol

from domain.values import ContentRef, TenantName


class ContentStore(Protocol):
    """Bodies by their SHA-256: the same body is kept once, and what was put is never changed."""

    async def put(self, tenant: TenantName, body: bytes) -> ContentRef:
        """Keep a body durably. Idempotent."""

    async def get(self, tenant: TenantName, digest: str) -> bytes | None:
        """Return the body with this SHA-256 in hexadecimal."""
