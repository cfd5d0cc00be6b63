"""The customers by whom orders are found. Their ids and names are a view's only personal data in plain text."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from application.privacy.documents import is_sealed
from application.privacy.parts import SealedPart
from application.privacy.vault import Vault
from application.views.projections.entries import Entry
from application.views.projections.order_state import CUSTOMER_FIELDS
from domain.errors import InvalidEvent
from domain.values import TenantName

Reveal = Callable[[TenantName, Sequence[Entry]], Awaitable[None]]
"""Fills in the attribute shown of entries whose events name a customer."""


async def reveal_nothing(_tenant: TenantName, _entries: Sequence[Entry]) -> None:
    """Leave all entries as they are."""


def reveal_with(vault: Vault) -> Reveal:
    """Return a function that decrypts the customers' names in events, unless the customers are forgotten."""

    async def reveal(tenant: TenantName, entries: Sequence[Entry]) -> None:
        naming = [entry for entry in entries if entry.recorded.type in CUSTOMER_FIELDS]
        told = [(entry, part) for entry in naming if (part := _told_of_customer(entry)) is not None]
        opened = await vault.opened_parts(tenant, [part for _, part in told])
        for (entry, _), shown in zip(told, opened, strict=True):
            [(field, customer)] = shown.values.items()
            entry.shown = {field: {n: value for n, value in customer.items() if f"{field}.{n}" not in shown.hidden}}

    return reveal


def _told_of_customer(entry: Entry) -> SealedPart | None:
    """Return the part of an event that names its customer; None if it names none."""
    event, field = entry.recorded, CUSTOMER_FIELDS[entry.recorded.type]
    with suppress(InvalidEvent):
        if customer := entry.fields[field]:
            event_id = event.event_id if is_sealed(event) else None
            return SealedPart(event.type, event.stream, event_id, event.position, {field: customer})
    return None
