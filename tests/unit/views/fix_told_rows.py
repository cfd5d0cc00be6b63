"""Events as they are stored, and the rows that views make of them."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from application.ledger.codec import encode
from application.ledger.port import ANY, Append, Write
from application.privacy.vault import Vault
from application.views.projections.entries import Entry
from application.views.projections.order_state import ORDER_STATE
from application.views.projections.projection import Projection
from application.views.row_opener import opened_rows
from application.views.upkeep.customers import reveal_with
from domain.events.event import Event
from domain.streams import order_stream
from tests.builders import (
    ACME,
    ORDER,
)
from tests.fakes_keys import FakeKeyRing
from tests.fakes_store import InMemoryEventStore

STREAM = order_stream(ORDER)


class Told:
    """Events as they are stored, and what views make of them."""

    def __init__(self) -> None:
        self.keys = FakeKeyRing()
        self.vault = Vault(self.keys)
        self.store = InMemoryEventStore(ACME)

    async def tell(self, *events: Event) -> None:
        append = Append(ACME, (Write(STREAM, ANY, tuple(map(encode, events))),))
        await self.store.append(await self.vault.with_keys(append))

    async def rows(self, projection: Projection, present: dict[str, Any] | None = None) -> Sequence[Any]:
        entries = [Entry(event) for event in await self.store.read_ledger(ACME)]
        await reveal_with(self.vault)(ACME, entries)
        return projection.rows(entries, present or {})

    async def order(self) -> dict[str, Any]:
        [row] = await opened_rows(self.vault, ACME, await self.rows(ORDER_STATE))
        shown: dict[str, Any] = json.loads(row.detail)
        return shown

    async def forget(self, *subjects: str) -> None:
        for subject in subjects:
            await self.keys.destroy(ACME, subject, by="a test")


@pytest.fixture
def told() -> Told:
    return Told()
