"""The customers by whom orders are found. Their ids and names are a view's only personal data in plain text."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from pydantic_core import from_json, to_json

from application.ledger.port import RecordedEvent
from application.privacy.documents import MARK, is_sealed
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
        told = {entry.position: event for entry in naming if (event := _told_of_customer(entry)) is not None}
        shown = await vault.opened(tenant, list(told.values()))
        customers = {event.position: from_json(event.data) for event in shown}
        for entry in naming:
            entry.shown = customers.get(entry.position)

    return reveal


def _told_of_customer(entry: Entry) -> RecordedEvent | None:
    """Return the part of an event that is needed to decrypt its customer; None if it names no customer."""
    field = CUSTOMER_FIELDS[entry.recorded.type]
    with suppress(InvalidEvent):
        if customer := entry.fields[field]:
            metadata = {MARK: 1} if is_sealed(entry.recorded) else {}
            return entry.recorded._replace(data=to_json({field: customer}), metadata=to_json(metadata))
    return None
