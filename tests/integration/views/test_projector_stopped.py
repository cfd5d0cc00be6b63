"""A projection that fails stops, visibly and alone: the others go on, appends are not refused, no event is skipped."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import psycopg
import pytest
from pydantic_core import from_json

from api.services import Services
from application.access.callers import Tenant
from application.ledger.codec import encode
from application.ledger.port import ANY, Append, Write
from application.views.projections.catalogue import PROJECTIONS
from application.views.projections.entries import Entry
from application.views.projections.projection import Projection, Row
from application.views.queries import CallFilter
from application.views.upkeep.projector import Projector
from domain.values import TenantName
from infrastructure.postgres.database import open_pool
from infrastructure.views.write import PostgresViewStore
from tests.builders import a_created_event, a_service_event, a_system_log, an_event
from tests.projecting import AWKWARD, BINARY, VIEWS, tables

FAILS_AT = 4


class State(NamedTuple):
    position: int
    error: str | None


def _raise(entries: Sequence[Entry], rows: Sequence[Row]) -> Sequence[Row]:
    if any(entry.position == FAILS_AT for entry in entries):
        raise ZeroDivisionError("a bug")
    return rows


def _repeat(_entries: Sequence[Entry], rows: Sequence[Row]) -> Sequence[Row]:
    return [*rows, *rows]


def _empty(_entries: Sequence[Entry], rows: Sequence[Row]) -> Sequence[Row]:
    return [row._replace(type=None) for row in rows]  # type: ignore[attr-defined]


def _surrogate(_entries: Sequence[Entry], rows: Sequence[Row]) -> Sequence[Row]:
    return [row._replace(type="\ud800") for row in rows]  # type: ignore[attr-defined]


def _too_long(_entries: Sequence[Entry], rows: Sequence[Row]) -> Sequence[Row]:
    long = "".join(chr(33 + n * n * 7 % 94) + str(n) for n in range(4_000))
    return [row._replace(order_id=long) for row in rows]  # type: ignore[attr-defined]


BUGS = {
    "an exception": _raise,
    "a row twice": _repeat,
    "a NULL": _empty,
    "no Unicode": _surrogate,
    "too long": _too_long,
}


def with_bug(bug: str) -> list[Projection]:
    """Return all projections, the timeline with a bug."""

    def rows(entries: Sequence[Entry], present: Any) -> Sequence[Row]:
        return BUGS[bug](entries, timeline.rows(entries, present))

    timeline = PROJECTIONS[VIEWS.index("timeline")]
    return [replace(p, rows=rows) if p.name == "timeline" else p for p in PROJECTIONS]


async def append(services: Services, tenant: Tenant, count: int) -> None:
    for _ in range(count):
        write = Write("order-1", ANY, (encode(an_event(order_id="1")),))
        await services.store.append(Append(tenant.name, (write,)))


async def checkpoints(dsn: str) -> dict[str, State]:
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        rows = await connection.execute("SELECT projection, position, error FROM ordertrail.checkpoints")
        return {projection: State(position, error) for projection, position, error in await rows.fetchall()}


async def let_time_pass(dsn: str) -> None:
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        await connection.execute("UPDATE ordertrail.checkpoints SET updated_at = now() - interval '1 hour'")


WITHOUT_CODE = pytest.mark.one_server("a cluster tells the errors of INSERT … SELECT without their code")


@pytest.mark.parametrize(
    ("bug", "stopped_at", "error"),
    [
        ("an exception", FAILS_AT - 1, "ZeroDivisionError: a bug"),
        pytest.param("a row twice", 0, "UniqueViolation: ", marks=WITHOUT_CODE),
        pytest.param("a NULL", 0, "NotNullViolation: ", marks=WITHOUT_CODE),
        ("no Unicode", 0, "InvalidEvent: PostgreSQL cannot store this"),
        pytest.param("too long", 0, "InvalidEvent: PostgreSQL cannot store this", marks=WITHOUT_CODE),
    ],
)
async def test_a_projection_that_fails_stops_visibly_and_goes_on_when_it_is_mended(
    services: Services, tenant: Tenant, dsn: str, projector: Projector, bug: str, stopped_at: int, error: str
) -> None:
    await append(services, tenant, 6)

    async with open_pool(dsn, size=2) as pool:
        faulty = Projector(PostgresViewStore(pool.connection, pool.connection), with_bug(bug))
        assert await faulty.behind() == [tenant.name]
        await faulty.catch_up(tenant.name)
        stopped = (await checkpoints(dsn))["timeline"]
        await append(services, tenant, 2)
        await faulty.catch_up(tenant.name)
        found = await checkpoints(dsn)

    assert stopped.position == stopped_at
    assert stopped.error is not None
    assert stopped.error.startswith(error)
    assert found.pop("timeline") == stopped
    assert set(found.values()) == {State(8, None)}
    [health] = [h for h in await services.health.projections() if h.projection == "timeline"]
    assert health.lag == 8 - stopped_at

    assert await projector.behind() == []
    await let_time_pass(dsn)
    assert await projector.behind() == [tenant.name]
    await projector.catch_up(tenant.name)
    assert set((await checkpoints(dsn)).values()) == {State(8, None)}
    assert len((await tables(dsn))["timeline"]) == 8


async def test_awkward_texts_survive_their_way_through_the_views(
    services: Services, tenant: Tenant, dsn: str, projector: Projector
) -> None:
    await projector.behind()
    events = [
        a_created_event(order_id="1", reference='"\\'),
        an_event(order_id="1", status=AWKWARD[:200], reason=AWKWARD),
        a_service_event(order_id="1", description=AWKWARD, metadata={"text": AWKWARD, AWKWARD: [1.5, None]}),
        a_system_log(order_id="1", request_url=BINARY),
        an_event(order_id="1", status=AWKWARD),
    ]
    for event in events:
        # One batch for each, so that the order's state is read back in between.
        await services.store.append(Append(tenant.name, (Write("order-1", ANY, (encode(event),)),)))
        await projector.catch_up(tenant.name)

    assert {state.error for state in (await checkpoints(dsn)).values()} == {None}
    views = services.queries.views
    ledger = await services.store.read_ledger(tenant.name)
    actions = await views.action_log(tenant.name, "1", limit=10)
    assert [row.data for row in actions] == [ledger[n].data for n in (4, 1, 0)]
    [service_event] = await views.service_events(tenant.name, "1", limit=10)
    assert service_event.description == AWKWARD
    assert service_event.metadata is not None
    assert from_json(service_event.metadata) == {"text": AWKWARD, AWKWARD: [1.5, None]}
    [call] = await views.system_log(tenant.name, "1", CallFilter(), offset=0, limit=10)
    assert from_json(call.data)["request_url"] == BINARY
    order = await views.order(TenantName(tenant.name), "1")
    assert order is not None
    assert (order.status, order.reference) == (AWKWARD, '"\\')
