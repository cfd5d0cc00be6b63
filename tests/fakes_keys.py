"""A KeyRing in memory."""

import asyncio
from collections.abc import Collection

from application.privacy.cipher import DamagedKey, Keys, SubjectKey
from domain.values import TenantName


class FakeKeyRing:
    """Implements application.privacy.keys.KeyRing. The key of a subject is the same in every test."""

    def __init__(self) -> None:
        self.keys: dict[tuple[TenantName, str], SubjectKey | None] = {}
        self.asked = 0
        """How often it was asked for keys."""
        self.imported_upto = 0
        self.may_answer: asyncio.Event | None = None

    async def to_write(self, tenant: TenantName, subjects: Collection[str]) -> Keys:
        self.asked += 1
        if self.may_answer is not None and not all((tenant, subject) in self.keys for subject in subjects):
            await self.may_answer.wait()
        for subject in subjects:
            secret = f"{tenant}/{subject}".encode()[-32:].rjust(32)
            self.keys.setdefault((tenant, subject), SubjectKey(secret))
        return await self._found(tenant, subjects)

    async def to_read(self, tenant: TenantName, subjects: Collection[str]) -> Keys:
        self.asked += 1
        return await self._found(tenant, subjects)

    async def imported(self, tenant: TenantName) -> int:
        return self.imported_upto

    def damage(self, tenant: TenantName, subject: str) -> None:
        """Change a key as somebody does who changes its row in the database."""
        self.keys[tenant, subject] = DamagedKey(subject)

    async def destroy(self, tenant: TenantName, subject: str, *, by: str) -> None:
        assert by
        self.keys[tenant, subject] = None

    async def _found(self, tenant: TenantName, subjects: Collection[str]) -> Keys:
        return {subject: self.keys[tenant, subject] for subject in subjects if (tenant, subject) in self.keys}
