"""The keys of the subjects of personal data."""

from collections.abc import Collection
from typing import Protocol

from application.privacy.cipher import Keys
from domain.values import TenantName


class KeyRing(Protocol):
    """Keys by tenant and subject. A subject has at most one key, and gets no other after it was destroyed.

    A key that cannot be read, because its row was changed, is returned as a DamagedKey; the other keys are returned as
    usual. Every method raises Unavailable.
    """

    async def to_write(self, tenant: TenantName, subjects: Collection[str]) -> Keys:
        """Return the key of each of these subjects. A subject without a key gets one, which is durable on return.

        A key may be kept in memory for a while. If it is destroyed meanwhile, data that is written with it cannot be
        read and so counts as erased too. Raises TenantNotFound.
        """

    async def to_read(self, tenant: TenantName, subjects: Collection[str]) -> Keys:
        """Return the keys that these subjects have at this moment."""

    async def imported(self, tenant: TenantName) -> int:
        """Return the position up to which a ledger was imported from another installation. Keys of those events stayed
        there.
        """

    async def destroy(self, tenant: TenantName, subject: str, *, by: str) -> None:
        """Destroy a subject's key for good, and record who asked. The subject need not have a key. Idempotent."""
