"""Pages of a ledger are bounded by their size as well, and still nothing is skipped."""

from tests.fix_store import Ledger, new_event


async def test_a_page_ends_with_the_event_that_reaches_the_size(ledger: Ledger) -> None:
    await ledger.append("order-1", *(new_event(data=b"x" * 100) for _ in range(5)))

    page = await ledger.store.read_ledger(ledger.tenant, max_bytes=250)
    rest = await ledger.store.read_ledger(ledger.tenant, after=page[-1].position, max_bytes=250)

    assert [event.position for event in page + rest] == [1, 2, 3, 4, 5]
    assert len(page) == 3


async def test_a_page_has_at_least_one_event_however_large(ledger: Ledger) -> None:
    await ledger.append("order-1", new_event(data=b"x" * 1_000))

    assert len(await ledger.store.read_ledger(ledger.tenant, max_bytes=1)) == 1


async def test_events_are_found_by_their_ids_in_ledger_order(ledger: Ledger) -> None:
    await ledger.append("order-1", new_event("a"), new_event("b"), new_event("d"))

    found = await ledger.store.find_events(ledger.tenant, ["b", "c", "a"])

    assert [(event.event_id, event.position) for event in found] == [("a", 1), ("b", 2)]
