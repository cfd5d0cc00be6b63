"""Hints: news about appends, which may be lost. Whoever acts on them also looks without one now and then."""

from collections.abc import AsyncGenerator
from typing import Protocol

from domain.values import TenantName


class Hints(Protocol):
    """The source of news about appends."""

    def hints(self) -> AsyncGenerator[set[TenantName] | None, None]:
        """Yield tenants whose ledgers have grown; None if any ledger may have."""
