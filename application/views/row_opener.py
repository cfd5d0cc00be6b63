"""Opens rows of views: what is encrypted in them is decrypted as parts of the events in which it was reported."""

from collections.abc import Sequence
from typing import TypeVar

from application.privacy.vault import Vault
from application.views.projections.view import SealedRow
from domain.values import TenantName

R = TypeVar("R", bound=SealedRow)


async def opened_rows(vault: Vault, tenant: TenantName, rows: Sequence[R]) -> list[R]:
    """Return decrypted rows of a view. Raises Unavailable."""
    openings = [row.opening() for row in rows]
    parts = iter(await vault.opened_parts(tenant, [part for opening in openings for part in opening.parts]))
    return [opening.shown([next(parts) for _ in opening.parts]) for opening in openings]
