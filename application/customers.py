"""Whom orders are for, as orders are found by it: the one thing that a view holds of people in plain text."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from application.projections.entries import Entry
from application.vault import Vault
from domain.errors import InvalidEvent
from domain.events.lifecycle import Created, Transferred
from domain.values import TenantName

Reveal = Callable[[TenantName, Sequence[Entry]], Awaitable[None]]
"""Gives entries whose events name a customer what may be shown of them."""

_TOPICS = {Created.topic, Transferred.topic}


async def reveal_nothing(_tenant: TenantName, _entries: Sequence[Entry]) -> None:
    """Leave all entries as they are."""


def reveal_with(vault: Vault) -> Reveal:
    """Return what opens the events that name customers, as long as these are not forgotten."""

    async def reveal(tenant: TenantName, entries: Sequence[Entry]) -> None:
        naming = [entry for entry in entries if entry.recorded.type in _TOPICS]
        try:
            shown = await vault.opened(tenant, [entry.recorded for entry in naming])
        except InvalidEvent:
            # Somebody changed one of them. Its order is not found by its customer; the others are no worse for it.
            for entry in naming:
                with suppress(InvalidEvent):
                    [entry.shown] = await vault.opened(tenant, [entry.recorded])
        else:
            for entry, event in zip(naming, shown, strict=True):
                entry.shown = event

    return reveal
