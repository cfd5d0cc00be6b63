"""An event that comes alone is decided as the contract says: answered and stored as by the store in memory."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from application.ledger.port import (
    ANY,
    NO_STREAM,
    STREAM_EXISTS,
    Append,
    Appended,
    EventStore,
    Exactly,
    NewEvent,
    Write,
)
from domain.errors import OrdertrailError
from domain.values import MAX_BIGINT
from tests.fakes_store import InMemoryEventStore
from tests.fix_store import open_ledger
from tests.hypotheses import the_same_each_time

# A library's stream may begin with version 0.
expectations = st.one_of(
    st.sampled_from([ANY, NO_STREAM, STREAM_EXISTS, Exactly(-1), Exactly(-1), Exactly(MAX_BIGINT), Exactly(2**80)]),
    st.integers(0, 4).map(Exactly),
)
offsets = st.sampled_from([UTC, timezone(timedelta(hours=14)), timezone(timedelta(seconds=-1172, microseconds=1))])
times = st.datetimes(timezones=offsets, min_value=datetime(1, 1, 3), max_value=datetime(9999, 12, 29))
texts = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=5)
writes = st.builds(
    lambda stream, expected, *event: Write(stream, expected, (NewEvent(*event),)),
    st.sampled_from(["order-1", "book-1", "integration-7", "%s", ""]),
    expectations,
    st.one_of(st.integers(1, 9).map(str), texts),
    st.one_of(st.sampled_from(["t", "u"]), texts),
    st.sampled_from([b"", b"1", b"\x00\xff"]),
    st.sampled_from([b"", b"m"]),
    times,
)


async def told(store: EventStore, append: Append) -> object:
    """Return what is answered, but for the time."""
    try:
        appended: Appended = await store.append(append)
    except OrdertrailError as refusal:
        return type(refusal), str(refusal)
    return *appended[:3], appended.is_replayed


@the_same_each_time(max_examples=100)
@given(history=st.lists(writes, min_size=1, max_size=12))
def test_one_after_the_other_they_are_answered_and_stored_as_in_memory(shared_dsn: str, history: list[Write]) -> None:
    async def check() -> None:
        async with open_ledger(shared_dsn) as ledger:
            memory = InMemoryEventStore(ledger.tenant)
            for write in history:
                append = Append(ledger.tenant, (write,))
                assert await told(ledger.store, append) == await told(memory, append)
            stored = await ledger.read()
            assert [event[:-1] for event in stored] == [event[:-1] for event in await memory.read_ledger(ledger.tenant)]

    asyncio.run(check())
