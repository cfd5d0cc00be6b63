"""Random concurrent appends leave a ledger that a simple model explains: nothing lost, nothing twice, no gaps."""

import asyncio
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from application.ledger.port import (
    ANY,
    NO_STREAM,
    STREAM_EXISTS,
    Append,
    Appended,
    Exactly,
    IdempotencyKey,
    NewEvent,
    RecordedEvent,
    StreamState,
    Write,
)
from domain.errors import EventIdReused, KeyReused, OrderNotFound, VersionConflict
from domain.values import TenantName
from tests.fix_store import Ledger, open_ledger
from tests.hypotheses import the_same_each_time

STREAMS = ["order-1", "order-2", "order-3"]

# Few names of each kind, so that appends meet.
event_ids = st.integers(1, 25).map(lambda n: f"event-{n}")
expectations = st.one_of(st.sampled_from([ANY, ANY, ANY, NO_STREAM, STREAM_EXISTS]), st.integers(0, 6).map(Exactly))
keys = st.one_of(
    st.none(), st.none(), st.builds(IdempotencyKey, st.sampled_from(["k1", "k2", "k3"]), st.sampled_from([b"1", b"2"]))
)


@st.composite
def appends(draw: st.DrawFn) -> Append:
    """An append to one to three streams; its tenant is filled in later."""
    streams = draw(st.lists(st.sampled_from(STREAMS), min_size=1, max_size=3, unique=True))
    ids = iter(draw(st.lists(event_ids, min_size=9, max_size=9, unique=True)))
    writes = [
        Write(
            stream,
            draw(expectations),
            tuple(NewEvent(next(ids), "t", draw(st.sampled_from([b"", b"1"])), b"", None) for _ in range(size)),
        )
        for stream, size in zip(streams, draw(st.lists(st.integers(1, 3), min_size=3, max_size=3)), strict=False)
    ]
    return Append(TenantName(""), tuple(writes), draw(keys))


histories = st.lists(st.lists(appends(), min_size=1, max_size=12), min_size=1, max_size=4)
"""Groups of appends: those of a group run at the same time, the groups one after the other."""


class Answer(NamedTuple):
    append: Append
    outcome: Appended | BaseException
    before: int
    """The ledger's head before its group ran."""
    after: int
    """The ledger's head after its group ran."""


async def run(ledger: Ledger, history: list[list[Append]]) -> list[Answer]:
    answers = []
    for group in history:
        before = await ledger.store.head(ledger.tenant)
        given = [append._replace(tenant=ledger.tenant) for append in group]
        outcomes = await asyncio.gather(*map(ledger.store.append, given), return_exceptions=True)
        after = await ledger.store.head(ledger.tenant)
        answers += [Answer(append, outcome, before, after) for append, outcome in zip(given, outcomes, strict=True)]
    return answers


def check_ledger(events: list[RecordedEvent]) -> None:
    assert [event.position for event in events] == list(range(1, len(events) + 1))
    for stream in STREAMS:
        versions = [event.version for event in events if event.stream == stream]
        assert versions == list(range(1, len(versions) + 1))
    assert len({event.event_id for event in events}) == len(events)
    assert [event.recorded_at for event in events] == sorted(event.recorded_at for event in events)


def check_appended(answer: Answer, events: list[RecordedEvent]) -> None:
    """What was appended stands where its answer says, and its streams were as it expected just before."""
    append, appended = answer.append, answer.outcome
    assert isinstance(appended, Appended)
    assert answer.before < appended.first_position <= appended.last_position <= answer.after
    found = events[appended.first_position - 1 : appended.last_position]
    assert [(e.stream, e.event_id, e.type, e.data, e.metadata) for e in found] == [
        (write.stream, *event[:4]) for write in append.writes for event in write.events
    ]
    assert {e.recorded_at for e in found} == {appended.recorded_at}
    for write, first_version in zip(append.writes, appended.versions, strict=True):
        version = version_at(events, write.stream, appended.first_position - 1)
        assert first_version == version + 1
        assert holds(write, version)


def check_replayed(answer: Answer, answers: list[Answer], events: list[RecordedEvent]) -> None:
    """What was replayed was recorded by an earlier append with its key, or holds exactly its events."""
    append, replayed = answer.append, answer.outcome
    assert isinstance(replayed, Appended)
    assert replayed.versions == ()
    found = events[replayed.first_position - 1 : replayed.last_position]
    assert found
    assert replayed.recorded_at == found[0].recorded_at
    has_known_key = append.key is not None and any(
        other is not answer
        and other.append.key == append.key
        and isinstance(other.outcome, Appended)
        and other.outcome[:2] == replayed[:2]
        for other in answers
    )
    has_known_events = sorted((e.stream, e.event_id, e.type, e.data) for e in found) == sorted(
        (write.stream, *event[:3]) for write in append.writes for event in write.events
    )
    assert has_known_key or has_known_events


def check_refused(answer: Answer, answers: list[Answer], events: list[RecordedEvent]) -> None:
    """What was refused had a reason at some moment while it waited."""
    append, error = answer.append, answer.outcome
    moments = range(answer.before, answer.after + 1)
    if isinstance(error, KeyReused):
        assert any(
            append.key
            and other.append.key
            and other.append.key.key == append.key.key
            and other.append.key != append.key
            and isinstance(other.outcome, Appended)
            for other in answers
        )
    elif isinstance(error, EventIdReused):
        known = {event.event_id for event in events[: answer.after]}
        assert known & {event.event_id for write in append.writes for event in write.events}
    elif isinstance(error, VersionConflict):
        [write] = [write for write in append.writes if write.stream == error.stream]
        versions = {version_at(events, write.stream, moment) for moment in moments}
        assert (error.actual or 0) in versions
        assert not holds(write, error.actual or 0)
    else:
        assert isinstance(error, OrderNotFound)
        assert any(
            write.expected is STREAM_EXISTS and version_at(events, write.stream, answer.before) == 0
            for write in append.writes
        )


def version_at(events: list[RecordedEvent], stream: str, position: int) -> int:
    """Return the stream's version when the ledger had this head."""
    return sum(event.stream == stream for event in events[:position])


def holds(write: Write, version: int) -> bool:
    match write.expected:
        case StreamState.ANY:
            return True
        case StreamState.NO_STREAM:
            return version == 0
        case StreamState.STREAM_EXISTS:
            return version > 0
        case Exactly(expected):
            return version == expected


@the_same_each_time(max_examples=150)
@given(history=histories)
def test_every_answer_is_explained_by_the_ledger(shared_dsn: str, history: list[list[Append]]) -> None:
    async def check() -> None:
        async with open_ledger(shared_dsn) as ledger:
            answers = await run(ledger, history)
            events = await ledger.read()
        check_ledger(events)
        recorded = set()
        for answer in answers:
            if not isinstance(answer.outcome, Appended):
                check_refused(answer, answers, events)
            elif answer.outcome.is_replayed:
                check_replayed(answer, answers, events)
            else:
                check_appended(answer, events)
                recorded.update(range(answer.outcome.first_position, answer.outcome.last_position + 1))
        # Every event is in exactly one answer, and nothing is in the ledger that nobody appended.
        assert recorded == set(range(1, len(events) + 1))
        assert sum(
            a.outcome.last_position - a.outcome.first_position + 1
            for a in answers
            if isinstance(a.outcome, Appended) and not a.outcome.is_replayed
        ) == len(events)

    asyncio.run(check())


def test_two_writers_of_one_tenant_leave_one_ledger(shared_dsn: str) -> None:
    """Two processes' worth of group commits, each with its own connections, contend for the same streams."""

    async def check() -> None:
        async with open_ledger(shared_dsn) as ledger, open_ledger(shared_dsn) as other:
            rival = Ledger(other.store, ledger.tenant, other.another)
            outcomes = await asyncio.gather(
                *(
                    side.append(f"order-{n % 3 + 1}", expected=Exactly(n // 3) if n % 2 else ANY)
                    for n in range(150)
                    for side in (ledger, rival)
                ),
                return_exceptions=True,
            )
            events = await ledger.read()
        check_ledger(events)
        appended = [outcome for outcome in outcomes if isinstance(outcome, Appended)]
        assert sorted(outcome.first_position for outcome in appended) == [event.position for event in events]
        assert {type(outcome) for outcome in outcomes} <= {Appended, VersionConflict}

    asyncio.run(check())
