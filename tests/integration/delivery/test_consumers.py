"""A consumer hands out each event at least once and in its order's order, whoever its members are."""

import asyncio
from datetime import timedelta

import pytest

from application.delivery.consumers import PARTITIONS, ConsumerSettings, RefusedEvent
from application.delivery.errors import ConsumerNotFound, LeaseLost, NotHandedOut, StreamNotHeld
from application.delivery.filters import EventFilter
from application.ledger.codec import encode
from domain.errors import BeyondHead, TenantNotFound
from domain.values import TenantName
from tests.builders import a_service_event, an_event
from tests.integration.delivery.fix_consumers import (
    CONSUMER,
    EACH_PARTITION,
    Followed,
    acknowledged,
    orders_of,
    positions,
    refused,
)


async def test_what_is_not_acknowledged_is_handed_out_again(followed: Followed) -> None:
    await followed.define()
    for order in EACH_PARTITION:
        await followed.append(order)

    first, again = await followed.fetch(), await followed.fetch()
    await followed.acknowledge("one", *again.deliveries[:-1])

    assert positions(first) == positions(again) == list(range(1, 17))
    assert positions(await followed.fetch()) == [16]


async def test_acknowledging_a_position_acknowledges_all_before_it_in_its_partition_only(followed: Followed) -> None:
    await followed.define()
    for order in [*orders_of(3, 4), *orders_of(4, 1)]:
        await followed.append(order)

    handed = await followed.fetch()
    await followed.acknowledge("one", handed.deliveries[2])

    assert positions(await followed.fetch()) == [4, 5]


async def test_each_event_names_the_wanted_one_before_it_in_its_partition(followed: Followed) -> None:
    await followed.define(wanted=EventFilter(types=frozenset({"order.status_updated"})))
    first, second = orders_of(3, 2)
    await followed.append(first)
    await followed.append(first, type="order.comment_added")
    await followed.append(second)
    await followed.append(EACH_PARTITION[4])

    handed = await followed.fetch()
    await followed.acknowledge("one", *handed.deliveries)
    last = await followed.append(first)
    later = await followed.fetch()

    assert [(d.event.position, d.previous) for d in handed.deliveries] == [(1, None), (3, 1), (4, None)]
    assert [(d.event.position, d.previous) for d in later.deliveries] == [(last, 3)]


@pytest.mark.parametrize("wanted", [EventFilter(orders=frozenset({"A"})), EventFilter(services=frozenset({"wms"}))])
async def test_a_filter_passes_over_what_is_not_wanted(followed: Followed, wanted: EventFilter) -> None:
    await followed.define(wanted=wanted)
    for event in (an_event(order_id="B"), a_service_event(service="erp", order_id="B")) * 20:
        await followed.ledger.append(event.originator_id, encode(event.model_copy(update={"event_id": None})))
    event = a_service_event(service="wms", order_id="A")
    await followed.ledger.append(event.originator_id, encode(event))

    handed = await followed.fetch()
    state = await followed.consuming.state(followed.ledger.tenant, CONSUMER)

    assert positions(handed) == [41]
    assert state.progress.lag_events <= 41
    assert {partition.position for partition in state.partitions} == {0, 41}


async def test_a_filter_that_nothing_can_match_still_comes_to_the_end(followed: Followed) -> None:
    await followed.define(wanted=EventFilter(types=frozenset({"order.created"}), services=frozenset({"wms"})))
    for order in EACH_PARTITION:
        await followed.append(order)

    handed = await followed.fetch()
    state = await followed.consuming.state(followed.ledger.tenant, CONSUMER)

    assert (positions(handed), handed.has_more, state.progress.lag_events) == ([], False, 0)


async def test_two_members_that_race_share_the_partitions_and_get_each_event_once(followed: Followed) -> None:
    await followed.define()
    for order in EACH_PARTITION * 3:
        await followed.append(order)

    for _ in range(3):
        handed = await asyncio.gather(*(followed.fetch(member) for member in ("one", "two", "three")))
    own = [set(each.partitions) for each in handed]

    assert sorted(map(len, own)) == [5, 5, 6]
    assert sorted(partition for each in own for partition in each) == list(range(PARTITIONS))
    assert sorted(position for each in handed for position in positions(each)) == list(range(1, 49))


async def test_a_member_that_joins_gets_its_share_when_the_others_fetch_and_nothing_twice(followed: Followed) -> None:
    await followed.define()
    for order in EACH_PARTITION:
        await followed.append(order)
    first = await followed.fetch("one")

    nothing = await followed.fetch("two")
    await followed.acknowledge("one", *first.deliveries)
    await followed.fetch("one")
    shared = await followed.fetch("two")

    assert (len(first.partitions), len(nothing.partitions), len(shared.partitions)) == (16, 0, 8)
    assert positions(shared) == []


async def test_a_frozen_member_loses_its_partitions_and_is_told_so(followed: Followed) -> None:
    await followed.define()
    for order in EACH_PARTITION:
        await followed.append(order)
    frozen = await followed.fetch("frozen")

    await followed.freeze("frozen")
    handed = await followed.fetch("other")
    await followed.acknowledge("other", *handed.deliveries[:8])
    with pytest.raises(LeaseLost, match=r"You do not own partition 0 .token 1, now 2"):
        await followed.acknowledge("frozen", *frozen.deliveries)
    with pytest.raises(LeaseLost):
        await followed.refuse("frozen", frozen.deliveries[0])

    assert positions(handed) == list(range(1, 17))
    assert {delivery.token for delivery in handed.deliveries} == {2}
    assert positions(await followed.fetch("other")) == list(range(9, 17))
    assert positions(await followed.fetch("frozen")) == []


async def test_a_member_whose_lease_ended_goes_on_if_nobody_took_its_partitions(followed: Followed) -> None:
    await followed.define()
    await followed.append("A")
    handed = await followed.fetch()

    await followed.freeze("one")
    await followed.acknowledge("one", *handed.deliveries)

    assert positions(await followed.fetch()) == []


async def test_nothing_is_taken_of_what_is_said_with_one_old_token(followed: Followed) -> None:
    await followed.define()
    for order in EACH_PARTITION:
        await followed.append(order)
    handed = await followed.fetch()

    first, second, *_ = handed.deliveries
    with pytest.raises(LeaseLost, match=r"partition 1 .token 0, now 1"):
        await followed.acknowledge("one", first, second._replace(token=0))

    assert positions(await followed.fetch()) == list(range(1, 17))


async def test_a_member_that_leaves_gives_up_its_partitions_at_once(followed: Followed) -> None:
    await followed.define()
    await followed.append("A")
    await followed.fetch("one")

    await followed.consuming.leave(followed.ledger.tenant, CONSUMER, "one")

    assert positions(await followed.fetch("two")) == [1]


async def test_a_member_that_leaves_while_it_waits_is_answered_and_does_not_join_again(followed: Followed) -> None:
    await followed.define()
    tenant = followed.ledger.tenant
    await followed.fetch("one")
    waiting = asyncio.create_task(followed.consuming.fetch(tenant, CONSUMER, "one", limit=1, wait_seconds=60))
    await asyncio.sleep(0.1)

    await followed.consuming.leave(tenant, CONSUMER, "one")

    async with asyncio.timeout(30):
        handed = await waiting
    assert (handed.is_member, handed.partitions, handed.deliveries) == (False, {}, [])
    assert (await followed.consuming.state(tenant, CONSUMER)).members == []
    await followed.append("A")
    assert positions(await followed.fetch("two")) == [1]
    assert (await followed.fetch("one")).is_member  # who fetches anew joins


async def test_a_refused_event_comes_again_after_its_delay_and_later_ones_of_its_order_after_it(
    followed: Followed,
) -> None:
    await followed.define()
    poisonous, sound = orders_of(3, 2)
    for order in (poisonous, sound, poisonous, sound):
        await followed.append(order)
    handed = await followed.fetch()

    await followed.acknowledge("one", handed.deliveries[-1], refused=[refused(handed.deliveries[0], seconds=3_600)])
    meanwhile = await followed.fetch()
    await followed.consuming.register.retry(followed.ledger.tenant, CONSUMER, f"order-{poisonous}")
    again = await followed.fetch()

    assert positions(meanwhile) == []
    assert [(d.event.position, d.is_held) for d in again.deliveries] == [(1, True)]
    await followed.acknowledge("one", *again.deliveries)
    later = await followed.fetch()
    assert [(d.event.position, d.is_held, d.previous) for d in later.deliveries] == [(3, True, 2)]
    await followed.acknowledge("one", *later.deliveries)
    newest = await followed.append(poisonous)
    assert [(d.event.position, d.is_held) for d in (await followed.fetch()).deliveries] == [(newest, False)]


async def test_a_refused_event_does_not_hold_up_its_partition(followed: Followed) -> None:
    await followed.define()
    poisonous, sound = orders_of(3, 2)
    await followed.append(poisonous)
    handed = await followed.fetch()
    await followed.refuse("one", handed.deliveries[0], seconds=3_600)

    for _ in range(3):
        await followed.append(sound)
        await followed.append(poisonous)

    assert positions(await followed.fetch()) == [2, 4, 6]


async def test_an_event_that_fails_too_often_is_parked_with_its_order_and_retried_in_order(
    followed: Followed,
) -> None:
    await followed.define(max_failures=3)
    poisonous, sound = orders_of(3, 2)
    await followed.append(poisonous)
    attempts = []
    for _ in range(3):
        (delivery,) = (await followed.fetch()).deliveries
        attempts.append(delivery.attempt)
        await followed.refuse("one", delivery)
    await followed.append(poisonous)
    await followed.append(sound)

    others = await followed.fetch()
    (held,) = await followed.consuming.register.held(followed.ledger.tenant, CONSUMER, are_parked=True)
    await followed.acknowledge("one", *others.deliveries)
    await followed.consuming.register.retry(followed.ledger.tenant, CONSUMER)
    newest = await followed.append(poisonous)
    retried = await followed.fetch()

    assert attempts == [1, 2, 3]
    assert positions(others) == [3]
    assert (held.stream, held.position, held.failures, held.reason, held.waiting) == (
        f"order-{poisonous}",
        1,
        3,
        "it failed",
        2,
    )
    assert positions(retried) == [1]
    await followed.acknowledge("one", *retried.deliveries)
    assert positions(await followed.fetch()) == [2, newest]


async def test_dropping_passes_over_the_refused_event_or_over_all_up_to_a_position(followed: Followed) -> None:
    await followed.define(max_failures=1)
    tenant, register = followed.ledger.tenant, followed.consuming
    for _ in range(4):
        await followed.append("A")
    (first, *_) = (await followed.fetch()).deliveries
    await followed.refuse("one", first)
    assert await followed.parked() == ["order-A"]

    await register.drop(tenant, CONSUMER, "order-A", upto=None)
    assert positions(await followed.fetch()) == [2, 3, 4]
    await register.drop(tenant, CONSUMER, "order-A", upto=3)
    assert positions(await followed.fetch()) == [4]
    with pytest.raises(BeyondHead):
        await register.drop(tenant, CONSUMER, "order-A", upto=5)
    with pytest.raises(StreamNotHeld):
        await register.drop(tenant, CONSUMER, "order-B", upto=None)


async def test_saying_the_same_twice_changes_nothing(followed: Followed) -> None:
    await followed.define(max_failures=2)
    poisonous, sound = orders_of(3, 2)
    for order in (poisonous, sound, poisonous):
        await followed.append(order)
    handed = await followed.fetch()
    said = {"refused": [refused(handed.deliveries[0], seconds=3_600), refused(handed.deliveries[2], seconds=1)]}

    for _ in range(3):
        await followed.acknowledge("one", handed.deliveries[1], **said)

    (held,) = await followed.consuming.register.held(followed.ledger.tenant, CONSUMER, are_parked=False)
    assert (held.position, held.failures) == (1, 1)
    assert positions(await followed.fetch()) == []


async def test_what_was_not_handed_out_cannot_be_acknowledged_or_refused(followed: Followed) -> None:
    await followed.define()
    first, second = orders_of(3, 2)
    await followed.append(first)
    (delivery,) = (await followed.fetch()).deliveries
    position = await followed.append(second)
    other = await followed.append(EACH_PARTITION[4])

    for wrong in (position, 100):
        with pytest.raises(NotHandedOut):
            await followed.acknowledge("one", delivery._replace(event=delivery.event._replace(position=wrong)))
    for wrong in (position, other, 100):
        refusal = RefusedEvent(3, delivery.token, wrong, timedelta())
        with pytest.raises(NotHandedOut):
            await followed.consuming.settle(followed.ledger.tenant, CONSUMER, "one", [], [refusal])
    await followed.acknowledge("one", delivery)
    with pytest.raises(NotHandedOut):
        await followed.refuse("one", delivery)


async def test_a_paused_consumer_hands_out_nothing_and_still_takes_acknowledgements(followed: Followed) -> None:
    await followed.define()
    tenant, register = followed.ledger.tenant, followed.consuming.register
    for _ in range(2):
        await followed.append("A")
    handed = await followed.fetch()

    await register.pause(tenant, CONSUMER, is_paused=True)
    await followed.acknowledge("one", handed.deliveries[0])
    paused = await followed.fetch()
    await register.pause(tenant, CONSUMER, is_paused=False)

    assert (paused.is_paused, positions(paused)) == (True, [])
    assert positions(await followed.fetch()) == [2]


async def test_a_reset_goes_on_elsewhere_and_refuses_what_was_handed_out_before(followed: Followed) -> None:
    await followed.define(max_failures=1)
    tenant, consuming = followed.ledger.tenant, followed.consuming
    for order in EACH_PARTITION:
        await followed.append(order)
    third = (await followed.ledger.read())[2]
    handed = await followed.fetch()
    await followed.refuse("one", handed.deliveries[0])
    await followed.acknowledge("one", *handed.deliveries[1:])

    for start, expected in ((10, 10), (third.recorded_at, 2), ("start", 0), ("now", 16)):
        assert await consuming.reset(tenant, CONSUMER, start) == expected  # type: ignore[arg-type]
        with pytest.raises(LeaseLost):
            await followed.acknowledge("one", handed.deliveries[-1])
        handed = await followed.fetch()
        assert positions(handed) == list(range(expected + 1, 17))
        handed = handed if handed.deliveries else await followed.fetch("one")
        if not handed.deliveries:
            break
    assert await followed.parked() == []
    with pytest.raises(BeyondHead):
        await consuming.reset(tenant, CONSUMER, 17)


async def test_a_time_is_found_whatever_the_ledgers_length(followed: Followed) -> None:
    await followed.define()
    tenant, register = followed.ledger.tenant, followed.consuming.register
    assert await register.position_before(tenant, (await register.find(tenant, CONSUMER)).created_at) == 0
    for n in range(9):
        await followed.append("A")
        events = await followed.ledger.read()
        for event in events:
            assert await register.position_before(tenant, event.recorded_at) == event.position - 1
        assert await register.position_before(tenant, events[-1].recorded_at + timedelta(microseconds=1)) == n + 1


async def test_a_consumer_from_now_on_gets_what_comes_later(followed: Followed) -> None:
    await followed.append("A")
    await followed.define(start="now")
    later = await followed.append("A")

    assert positions(await followed.fetch()) == [later]


async def test_a_partition_that_is_far_behind_does_not_hold_up_the_others(
    followed: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infrastructure.delivery.lanes.LOOK", 10)
    await followed.define()
    behind, ahead = orders_of(3, 1)[0], orders_of(4, 1)[0]
    for _ in range(30):
        await followed.append(behind)
    newest = await followed.append(ahead)

    found = [positions(await followed.fetch(limit=4)) for _ in range(4)]  # nothing is acknowledged

    assert found[0] == [1, 2, 3, 4]
    assert newest in found[-1]
    assert 1 in found[-1]


async def test_consumers_are_listed_with_their_lag_changed_and_removed(followed: Followed) -> None:
    await followed.define()
    tenant, consuming = followed.ledger.tenant, followed.consuming
    await followed.append("A")

    is_new = await consuming.define(tenant, CONSUMER, ConsumerSettings(max_failures=9), "start")
    consumers, progress = await consuming.list(tenant, after="", limit=10)

    assert not is_new
    assert [(c.name, c.settings.max_failures) for c in consumers] == [(CONSUMER, 9)]
    assert (progress[CONSUMER].lag_events, progress[CONSUMER].lag_seconds > 0) == (1, True)
    await consuming.register.remove(tenant, CONSUMER)
    assert await consuming.list(tenant, after="", limit=10) == ([], {})
    for refuse in (consuming.state(tenant, CONSUMER), followed.fetch(), consuming.register.remove(tenant, CONSUMER)):
        with pytest.raises(ConsumerNotFound):
            await refuse
    with pytest.raises(TenantNotFound):
        await consuming.define(TenantName("nobody"), CONSUMER, ConsumerSettings(), "start")


async def test_a_member_that_waits_is_handed_what_comes_and_names_itself(followed: Followed) -> None:
    await followed.define()
    tenant = followed.ledger.tenant
    waiting = asyncio.create_task(followed.consuming.fetch(tenant, CONSUMER, None, limit=10, wait_seconds=60))

    await asyncio.sleep(0)
    position = await followed.append("A")
    handed = await waiting

    assert positions(handed) == [position]
    assert handed.member.startswith("m-")
    assert acknowledged(handed.deliveries[0]).token == 1
