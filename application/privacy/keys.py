"""The keys of those whom personal data is about."""

from collections.abc import Collection
from typing import Protocol

from application.privacy.cipher import Keys, SubjectKey
from domain.values import TenantName


class NotRemembered(Exception):
    """Somebody has to be asked for a key."""


class KeyRing(Protocol):
    """Keys by tenant and subject: a subject has one at most, and never another after it was destroyed.

    A key that cannot be read, because its row was changed, is a DamagedKey; the others are returned as ever.
    Every method but remembers and recall raises Unavailable.
    """

    def remembers(self, tenant: TenantName, subject: str) -> bool:
        """Return whether recall would raise nothing."""

    def recall(self, tenant: TenantName, subject: str) -> SubjectKey | None:
        """Return the key that to_write would, if nobody has to be asked for it; else raise NotRemembered."""

    async def to_write(self, tenant: TenantName, subjects: Collection[str]) -> Keys:
        """Return the key of each of these subjects; who has none gets one, which is durable when it is returned.

        It may be remembered for a while: what is written with a key that was destroyed meanwhile cannot be read, and
        so is erased as well. Raises TenantNotFound.
        """

    async def to_read(self, tenant: TenantName, subjects: Collection[str]) -> Keys:
        """Return the keys that these subjects have at this moment."""

    async def imported(self, tenant: TenantName) -> int:
        """Return up to which position a ledger came from another installation: keys of what is in it stayed there."""

    async def destroy(self, tenant: TenantName, subject: str, *, by: str) -> None:
        """Destroy a subject's key for good, whether it has one or not, and note who asked. Idempotent."""
