"""Nothing is recorded at a time that is too far ahead: what was would stay ahead for all events that follow."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from eventsourcing.persistence import ApplicationRecorder, PersistenceError, StoredEvent

from api.services import Services
from application.ledger.port import ANY, NO_STREAM, Append, EventStore, Exactly, IdempotencyKey, Write
from domain.errors import ClockAhead, OutcomeUnknown
from domain.values import TenantName
from infrastructure.keys.credentials import PostgresCredentialStore
from infrastructure.ledger import clock
from infrastructure.ledger.clock import Clock
from infrastructure.ledger.event_store import PostgresEventStore
from infrastructure.ledger.group_commit import open_group_commit
from infrastructure.library import OrdertrailFactory
from infrastructure.postgres.database import open_pool
from tests import fix_store
from tests.fix_store import new_event
from tests.proxy import open_proxy

HOUR = timedelta(hours=1)

_numbers = count(1)


class SetClock:
    """A worker's clock, which a test sets."""

    def __init__(self) -> None:
        self.behind = timedelta(0)
        self._looks = -1

    def turns_back_after(self, looks: int) -> None:
        """Be an hour behind once it has been looked at so often."""
        self._looks = looks

    def __call__(self) -> datetime:
        if self._looks == 0:
            self.behind = HOUR
        self._looks -= 1
        return datetime.now(UTC) - self.behind


class Ledger:
    """A tenant's ledger, as a worker writes to it by a clock of its own."""

    def __init__(self, store: EventStore, tenant: TenantName, ours: SetClock) -> None:
        self._store, self.tenant, self.ours = store, tenant, ours

    async def append(self, *writes: Write, key: str | None = None) -> Any:
        name = None if key is None else IdempotencyKey(key, b"request")
        return await self._store.append(Append(self.tenant, writes, name))

    async def size(self) -> int:
        return len(await self._store.read_ledger(self.tenant))


@asynccontextmanager
async def opened(dsn: str, writing_dsn: str | None = None) -> AsyncIterator[Ledger]:
    """Open the ledger of a new tenant, which is written to by another way, if one is named."""
    ours, tenant = SetClock(), TenantName(f"clock-{next(_numbers)}")
    writers = open_group_commit(writing_dsn or dsn, writers=1, reconnect_seconds=(0.0, 0.0), clock=Clock(our_time=ours))
    async with open_pool(dsn, size=1, as_owner=True) as owner:
        await PostgresCredentialStore(owner).create_tenant(tenant, is_implicit=False, dintero_account=None)
    async with open_pool(dsn, size=2) as pool, writers as writer:
        yield Ledger(PostgresEventStore(pool, writer), tenant, ours)


@pytest.fixture(params=["shared_dsn", "postgres15_dsn"], ids=["embedded", "postgres15"])
async def ledger(request: pytest.FixtureRequest) -> AsyncIterator[Ledger]:
    async with opened(request.getfixturevalue(request.param)) as ledger:
        yield ledger


def alone(stream: str = "order-1") -> Write:
    return Write(stream, ANY, (new_event(),))


def many() -> Write:
    return Write("order-2", ANY, (new_event(), new_event()))


@pytest.mark.parametrize("write", [alone, many])
@pytest.mark.parametrize("key", [None, "k"])
async def test_nothing_is_recorded_while_the_databases_clock_is_far_ahead(
    ledger: Ledger, write: Callable[[], Write], key: str | None
) -> None:
    ledger.ours.behind = HOUR

    with pytest.raises(ClockAhead) as refused:
        await ledger.append(write(), key=key)

    assert refused.value.seconds == pytest.approx(3_600, abs=30)
    assert await ledger.size() == 0


async def test_once_the_clocks_are_right_the_same_append_is_recorded_once(ledger: Ledger) -> None:
    write = many()
    ledger.ours.behind = HOUR
    with pytest.raises(ClockAhead):
        await ledger.append(write, key="k")
    ledger.ours.behind = timedelta(0)

    first, again = await ledger.append(write, key="k"), await ledger.append(write, key="k")

    assert (first.is_replayed, again.is_replayed, await ledger.size()) == (False, True, 2)
    assert first.recorded_at < datetime.now(UTC) + timedelta(minutes=1)


@pytest.mark.parametrize("behind", [timedelta(seconds=30), timedelta(0), -HOUR])
async def test_a_clock_that_is_a_little_ahead_or_behind_keeps_nobody(ledger: Ledger, behind: timedelta) -> None:
    ledger.ours.behind = behind

    await ledger.append(alone())
    await ledger.append(many())

    assert await ledger.size() == 3


async def test_all_appends_that_come_at_the_same_time_are_refused(ledger: Ledger) -> None:
    ledger.ours.behind = HOUR

    answers = await asyncio.gather(*(ledger.append(alone(f"order-{n}")) for n in range(20)), return_exceptions=True)

    assert {type(answer) for answer in answers} == {ClockAhead}
    assert await ledger.size() == 0


async def test_a_wrong_expectation_does_not_get_past_the_clock(ledger: Ledger) -> None:
    await ledger.append(alone())
    ledger.ours.behind = HOUR

    for expected in (NO_STREAM, Exactly(7)):
        with pytest.raises(ClockAhead):
            await ledger.append(Write("order-1", expected, (new_event(),)))
    assert await ledger.size() == 1


async def test_a_time_that_ran_ahead_before_keeps_nobody_from_appending(
    ledger: Ledger, request: pytest.FixtureRequest
) -> None:
    await ledger.append(alone())
    dsn = request.getfixturevalue("shared_dsn" if "embedded" in request.node.name else "postgres15_dsn")
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        ahead = "UPDATE ordertrail.ledgers SET recorded_at = now() + interval '1 day' WHERE tenant = %s"
        await connection.execute(ahead, [ledger.tenant])

    appended = await ledger.append(alone())

    assert appended.recorded_at > datetime.now(UTC) + HOUR


async def test_the_log_tells_once_in_a_while_by_how_much(
    ledger: Ledger, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.ours.behind = HOUR
    with caplog.at_level(logging.ERROR, logger=clock.__name__):
        for _ in range(3):
            with pytest.raises(ClockAhead):
                await ledger.append(alone())
        monkeypatch.setattr(clock, "TELL_SECONDS", 0)
        with pytest.raises(ClockAhead):
            await ledger.append(alone())

    told = [record.getMessage() for record in caplog.records if record.name == clock.__name__]
    assert len(told) == 2
    assert told[0].startswith("The database's clock is 3")


async def test_what_is_not_known_to_be_stored_stays_unknown(shared_dsn: str) -> None:
    async with open_proxy(shared_dsn) as proxy, opened(shared_dsn, proxy.dsn) as ledger:
        await ledger.append(many())  # its statement is prepared then
        proxy.lose("reply")
        ledger.ours.turns_back_after(1)

        with pytest.raises(OutcomeUnknown):
            await ledger.append(many())
        assert await ledger.size() == 4


@pytest.fixture
def recorder(shared_dsn: str, postgres_ledger: fix_store.Ledger) -> Iterator[ApplicationRecorder]:
    """The library's recorder of a ledger."""
    env = {
        "PERSISTENCE_MODULE": "infrastructure.library",
        "ORDERTRAIL_DSN": shared_dsn,
        "ORDERTRAIL_TENANT": postgres_ledger.tenant,
    }
    with OrdertrailFactory(env) as factory:
        yield factory.application_recorder()


def test_the_librarys_recorder_is_kept_from_it_as_well(
    recorder: ApplicationRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = StoredEvent(originator_id=uuid4(), originator_version=1, topic="t", state=b"{}")
    monkeypatch.setattr(Clock, "latest", lambda _: datetime.now(UTC) - HOUR)

    with pytest.raises(PersistenceError, match="the clock of the database shows"):
        recorder.insert_events([event])

    monkeypatch.undo()
    assert recorder.insert_events([event]) == [1]


async def test_how_far_the_database_is_ahead_can_be_asked_for(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert abs(await services.health.clock_ahead()) < 30

    monkeypatch.setattr("infrastructure.views.health.now", lambda: datetime.now(UTC) - HOUR)
    assert await services.health.clock_ahead() == pytest.approx(3_600, abs=30)
