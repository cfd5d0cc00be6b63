"""The tree of an order's splits, with the money that was divided at each of them."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from api.services import Services
from application.ledger.codec import DAMAGE, decode
from application.ledger.port import RecordedEvent
from application.views.order_rows import shown_order
from domain.errors import InvalidEvent
from domain.events.lifecycle import Created
from domain.events.split import SplitChanges
from domain.order_state import OrderState
from domain.streams import order_stream
from domain.values import Money, TenantName

MAX_ORDERS = 50
MAX_HEIGHT = 20
_MOST_EVENTS = 100


class Division(NamedTuple):
    """How an order's total was divided: what it was, what it kept, and what its parts were given at first."""

    before: Money
    kept: Money
    given: Sequence[Money]

    @property
    def adds_up(self) -> bool:
        """Whether not a cent was lost or won."""
        same = {amount.currency_iso for amount in (self.before, self.kept, *self.given)}
        return len(same) == 1 and self.before.cents == self.kept.cents + sum(part.cents for part in self.given)


class Branch(NamedTuple):
    """An order in the tree; it has no state if it is not in the store."""

    order_id: str
    depth: int
    state: OrderState | None
    division: Division | None


async def tree_of(services: Services, tenant: TenantName, order_id: str, state: OrderState) -> list[Branch]:
    """Return the tree that an order is in, from its root; nothing if it was never split."""
    if state.parent is None and not state.children:
        return []
    root, root_state = order_id, state
    for _ in range(MAX_HEIGHT):
        above = root_state.parent and await _state(services, tenant, root_state.parent)
        if not above or root_state.parent is None:
            break
        root, root_state = root_state.parent, above
    found: list[Branch] = []
    await _grow(services, tenant, root, 0, found)
    return found


async def _grow(services: Services, tenant: TenantName, order_id: str, depth: int, found: list[Branch]) -> None:
    """Add an order and everything below it, the parts after the whole."""
    if len(found) >= MAX_ORDERS or depth > MAX_HEIGHT or any(branch.order_id == order_id for branch in found):
        return
    state = await _state(services, tenant, order_id)
    children = state.children if state else []
    division = await _division(services, tenant, order_id, children) if children else None
    found.append(Branch(order_id, depth, state, division))
    for child in children:
        await _grow(services, tenant, child, depth + 1, found)


async def _state(services: Services, tenant: TenantName, order_id: str) -> OrderState | None:
    row = await services.queries.views.order(tenant, order_id)
    return shown_order(row).state if row else None


async def _division(services: Services, tenant: TenantName, order_id: str, children: list[str]) -> Division | None:
    """Return how an order was divided; None if its amounts, or those of its parts, were not told."""
    changes = [
        event
        for event in await _events(services, tenant, order_id, SplitChanges.topic)
        if isinstance(event, SplitChanges)
    ]
    created = [
        event
        for child in children[:MAX_ORDERS]
        for event in await _events(services, tenant, child, Created.topic)
        if isinstance(event, Created)
    ]
    given = [event.totals.total for event in created if event.totals is not None]
    if not changes or len(given) != len(children):
        return None
    edited_between = sum(later.total.before.cents - earlier.total.after.cents for earlier, later in pairwise(changes))
    kept = changes[-1].total.after
    return Division(changes[0].total.before, kept.model_copy(update={"cents": kept.cents - edited_between}), given)


async def _events(services: Services, tenant: TenantName, order_id: str, topic: str) -> list[object]:
    found = await services.store.read_stream(tenant, order_stream(order_id), types=(topic,), limit=_MOST_EVENTS)
    return [event for recorded in found if (event := _decoded(recorded)) is not None]


def _decoded(recorded: RecordedEvent) -> object | None:
    try:
        return decode(recorded)
    except (InvalidEvent, *DAMAGE):
        return None
