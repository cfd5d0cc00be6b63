"""Members that come, go, freeze, refuse and forget what they were handed: nothing is lost, and nothing out of order."""

from collections import defaultdict
from random import Random

import pytest

from application.delivery.consumers import Delivery
from application.delivery.errors import LeaseLost
from application.delivery.filters import EventFilter
from tests.integration.delivery.fix_consumers import CONSUMER, Followed, open_followed, orders_of, refused

ORDERS = [*orders_of(3, 4), *orders_of(4, 3), *orders_of(9, 2)]
WANTED = EventFilter(types=frozenset({"order.status_updated"}))
MEMBERS = ["one", "two", "three", "four"]


class Checker:
    """What the members have done, and what they may be handed."""

    def __init__(self) -> None:
        self.wanted: dict[str, list[int]] = defaultdict(list)
        self.done: set[int] = set()

    def appended(self, order: str, position: int) -> None:
        self.wanted[f"order-{order}"].append(position)

    def handed(self, deliveries: list[Delivery]) -> None:
        """Nothing comes before what comes before it in its order is done or handed out, and nothing that is done."""
        before = set(self.done)
        for delivery in deliveries:
            event = delivery.event
            assert event.position not in self.done
            earlier = [position for position in self.wanted[event.stream] if position < event.position]
            assert before.issuperset(earlier), (event.stream, event.position, sorted(set(earlier) - before))
            before.add(event.position)

    @property
    def open(self) -> set[int]:
        return {position for positions in self.wanted.values() for position in positions} - self.done


@pytest.mark.parametrize(("fixture", "seed"), [("shared_dsn", 1), ("shared_dsn", 2), ("postgres15_dsn", 3)])
async def test_every_event_is_handled_in_its_orders_order(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, fixture: str, seed: int
) -> None:
    monkeypatch.setattr("infrastructure.delivery.lanes.LOOK", 15)
    async with open_followed(request.getfixturevalue(fixture)) as followed:
        await run(await followed.define(wanted=WANTED, max_failures=2), Random(seed))


async def run(followed: Followed, random: Random) -> None:
    checker, hands = Checker(), dict[str, list[Delivery]]()
    for step in range(250):
        if step < 200:
            await append(followed, checker, random)
        member = random.choice(MEMBERS)
        match random.random():
            case chance if chance < 0.1:
                await followed.freeze(member)
            case chance if chance < 0.15:
                await followed.consuming.leave(followed.ledger.tenant, CONSUMER, member)
            case chance if chance < 0.55:
                hands[member] = list((await followed.fetch(member, limit=random.randrange(1, 12))).deliveries)
                checker.handed(hands[member])
            case chance if chance < 0.6:
                await followed.consuming.register.retry(followed.ledger.tenant, CONSUMER)
            case _:
                hands[member] = await say(followed, checker, random, member, hands.get(member, []))
    await finish(followed, checker)


async def append(followed: Followed, checker: Checker, random: Random) -> None:
    order = random.choice(ORDERS)
    if random.random() < 0.3:
        await followed.append(order, type="order.comment_added")
    else:
        checker.appended(order, await followed.append(order))


async def say(
    followed: Followed, checker: Checker, random: Random, member: str, hand: list[Delivery]
) -> list[Delivery]:
    """Handle events in their orders' order: some are refused, and with them the later ones of their orders are left.

    Return what is still to be handled.
    """
    taken = hand[: random.randrange(len(hand) + 1)]
    failed = {d.event.stream for d in taken if random.random() < 0.2}
    sound = [d for d in taken if d.event.stream not in failed]
    refusals = [next(d for d in taken if d.event.stream == stream) for stream in sorted(failed)]
    # Everything up to a position is done, but for what is refused; of held streams, each is said alone.
    try:
        await followed.acknowledge(member, *acknowledgeable(taken, sound), refused=[refused(d) for d in refusals])
    except LeaseLost:
        return []
    checker.done |= {d.event.position for d in sound}
    return [d for d in hand[len(taken) :] if d.event.stream not in failed]


def acknowledgeable(taken: list[Delivery], sound: list[Delivery]) -> list[Delivery]:
    of_partitions = [d for d in taken if not d.is_held]
    return [*of_partitions, *(d for d in sound if d.is_held)]


async def finish(followed: Followed, checker: Checker) -> None:
    """Handle all that is left."""
    for member in MEMBERS:
        await followed.consuming.leave(followed.ledger.tenant, CONSUMER, member)
    for _ in range(500):
        await followed.consuming.register.retry(followed.ledger.tenant, CONSUMER)
        handed = await followed.fetch("last", limit=7)
        checker.handed(list(handed.deliveries))
        await followed.acknowledge("last", *handed.deliveries)
        checker.done |= {delivery.event.position for delivery in handed.deliveries}
        if not handed.deliveries and not handed.has_more:
            break
    await followed.fetch("last")  # what was held goes back once its partition has come as far
    state = await followed.consuming.state(followed.ledger.tenant, CONSUMER)
    assert checker.open == set()
    assert (state.progress.lag_events, state.progress.waiting, state.progress.parked) == (0, 0, 0)
