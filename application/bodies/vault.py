"""Large bodies as the service uses them: each is encrypted with its subject's key before it is stored."""

import re
from enum import Enum
from hashlib import sha256

from pydantic_core import from_json

from application.bodies.port import BodyPlace, BodyStore
from application.bodies.retention import RetentionStore
from application.privacy.cipher import bound, open_body, seal_body
from application.privacy.keys import KeyRing
from domain.errors import InvalidEvent
from domain.events.integration import ExceptionLogged
from domain.events.records import SystemLogRecorded
from domain.values import BodyRef, TenantName

WITH_CONTENT = (SystemLogRecorded.topic, ExceptionLogged.topic)
"""The types of the events that may have a content."""
_DIGEST = re.compile(r"[0-9a-f]{64}")


def digest_in(data: bytes) -> str | None:
    """Return the digest of an event's content; None if it has no content, or if the event cannot be read."""
    try:
        digest: str = from_json(data)["content"]["digest"]
        return digest if _DIGEST.fullmatch(digest) else None
    except (LookupError, TypeError, ValueError):
        return None


class Gone(Enum):
    """Why there is no body to return."""

    FORGOTTEN = "forgotten"
    EXPIRED = "expired"
    MISSING = "missing"


class SealedBodies:
    """Keeps each subject's bodies apart: the same body of two subjects is stored as two contents.

    Every method but place raises Unavailable.
    """

    def __init__(self, bodies: BodyStore, keys: KeyRing, retention: RetentionStore) -> None:
        self._bodies = bodies
        self._keys = keys
        self._retention = retention

    async def put(self, tenant: TenantName, subject: str, body: bytes) -> BodyRef | None:
        """Store a subject's body durably; None if the subject was forgotten. Idempotent. Raises TenantNotFound."""
        key = (await self._keys.to_write(tenant, [subject]))[subject]
        if key is None:
            return None
        return await self._bodies.put(tenant, subject, seal_body(body, key, _bound(tenant, subject)))

    async def get(self, tenant: TenantName, subject: str, digest: str) -> bytes | Gone:
        """Return a subject's body. Raises InvalidEvent if the body or its digest was changed; raises UnreadableKey."""
        if not _DIGEST.fullmatch(digest):
            raise InvalidEvent("The reference to the body was changed after it was recorded")
        keys = await self._keys.to_read(tenant, [subject])
        if subject in keys and keys[subject] is None:
            return Gone.FORGOTTEN
        kept = await self._bodies.get(tenant, digest)
        if kept is None:
            return Gone.EXPIRED if await self.may_expire(tenant) else Gone.MISSING
        if sha256(kept).hexdigest() != digest:
            # This also refuses another body of the same subject, and a body that is not encrypted.
            raise InvalidEvent("What was said in a call was changed after it was recorded")
        body = open_body(kept, keys.get(subject), _bound(tenant, subject))
        if body is None:
            raise InvalidEvent(f"The key of {subject} is missing or was replaced")
        return body

    async def may_expire(self, tenant: TenantName) -> bool:
        """Tell whether a tenant's bodies expire now, or did at some time."""
        period, expired = await self._retention.find(tenant)
        return period is not None or expired > 0

    async def delete(self, tenant: TenantName, digest: str) -> None:
        """Delete a content of a forgotten subject. Idempotent."""
        if _DIGEST.fullmatch(digest):
            await self._bodies.delete(tenant, digest)

    def place(self, tenant: TenantName, digest: str) -> BodyPlace:
        return self._bodies.place(tenant, digest)


def _bound(tenant: TenantName, subject: str) -> bytes:
    return bound(tenant, subject, "content")
