"""Rebuilding: readers see the old rows until the new ones take their place at once, whatever happens on the way."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from random import Random

import psycopg
import pytest

from api import bootstrap
from api.services import Services
from application.ledger.port import ANY, Append, Write
from application.views.projections.projection import Projection
from application.views.upkeep.customers import reveal_nothing
from application.views.upkeep.projector import BATCH, Projector
from application.views.upkeep.rebuild import Rebuilding
from domain.errors import TenantNotFound, ViewStopped
from domain.values import TenantName
from infrastructure.views.rebuild import PostgresSideViewStore
from tests.cluster import ACTIVITY
from tests.fix_postgres import database
from tests.fix_store import new_event
from tests.projecting import ROOT, VIEWS, append_events, caught_up, lag, running_projector, tables, undisturbed

ACME = TenantName("acme")
NUMBERS = {"integrations": "integration_id", "order_state": "first_position"}
"""A column that tells the rows of a view apart, of those that have no position."""
REBUILD = "import asyncio, sys; from api.cli.views import rebuild; asyncio.run(rebuild(sys.argv[1], [], 'acme'))"


def ignore(_completed: int, _total: int) -> None:
    """Show nothing."""


@pytest.fixture
async def work(services: Services, owner: Services, dsn: str) -> Rebuilding:
    for tenant in (ACME, "globex"):
        await owner.credentials.create_tenant(tenant, is_implicit=True, dintero_account=None)
    return bootstrap.rebuilding(dsn, services, as_owner=True)


async def load(services: Services, *, seed: int = 1, count: int = 60) -> None:
    for tenant in (ACME, "globex"):
        await append_events(services.store, tenant, Random(f"{tenant} {seed}"), count=count)


async def projected(services: Services, projector: Projector) -> None:
    await load(services)
    for tenant in await projector.behind():
        await projector.catch_up(tenant)


async def disturb(dsn: str) -> Mapping[str, list[str]]:
    """Take every other row out of every view of acme; return what is left."""
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        for view in VIEWS:
            key = NUMBERS.get(view, "position")
            await connection.execute(f"DELETE FROM ordertrail.{view} WHERE tenant = 'acme' AND {key} % 2 = 1")  # type: ignore[arg-type]
    return await tables(dsn)


async def test_rows_that_are_wrong_are_right_when_they_are_rebuilt(
    services: Services, work: Rebuilding, dsn: str, projector: Projector
) -> None:
    await projected(services, projector)
    right = await tables(dsn)
    assert await disturb(dsn) != right

    await work.rebuild(ACME, VIEWS, ignore)

    assert await tables(dsn) == right
    assert await lag(dsn) == 0


async def test_one_view_is_rebuilt_alone(services: Services, work: Rebuilding, dsn: str, projector: Projector) -> None:
    await projected(services, projector)
    right, wrong = await tables(dsn), await disturb(dsn)

    await work.rebuild(ACME, ["timeline"], ignore)

    assert await tables(dsn) == {**wrong, "timeline": right["timeline"]}


async def test_views_that_are_rebuilt_while_appends_go_on_come_out_the_same(
    services: Services, work: Rebuilding, dsn: str, server_dsn: str, template_name: str
) -> None:
    await load(services)
    with running_projector(dsn), database(server_dsn, template=template_name) as other_dsn:
        await caught_up(dsn)
        loading = asyncio.create_task(load(services, seed=2, count=200))
        for views in (VIEWS, ["order_state"], ["timeline", "action_log"], VIEWS):
            await asyncio.gather(*(work.rebuild(TenantName(tenant), views, ignore) for tenant in (ACME, "globex")))
        await loading
        await caught_up(dsn)

        assert await tables(dsn) == await undisturbed(dsn, other_dsn)


async def test_two_rebuilds_at_once_do_not_disturb_each_other(
    services: Services, work: Rebuilding, dsn: str, projector: Projector
) -> None:
    await projected(services, projector)
    right = await tables(dsn)
    await disturb(dsn)

    await asyncio.gather(*(work.rebuild(ACME, views, ignore) for views in (VIEWS, VIEWS[::-1], ["timeline"])))

    assert await tables(dsn) == right


async def test_a_view_that_was_never_projected_can_be_rebuilt(services: Services, work: Rebuilding, dsn: str) -> None:
    await load(services)

    for tenant in (ACME, "globex"):
        await work.rebuild(TenantName(tenant), VIEWS, ignore)

    assert await lag(dsn) == 0
    assert all((await tables(dsn)).values())


async def test_a_ledger_of_many_batches_is_rebuilt(services: Services, work: Rebuilding, dsn: str) -> None:
    events = tuple(new_event(data=b'{"status": "s"}') for _ in range(2 * BATCH + 1))
    shown = []
    await services.store.append(Append(ACME, (Write("order-1", ANY, events),)))

    await work.rebuild(ACME, VIEWS, lambda completed, total: shown.append((completed, total)))

    assert (len((await tables(dsn))["timeline"]), await lag(dsn)) == (len(events), 0)
    assert shown[-1] == (len(events), len(events))
    assert shown == sorted(shown)
    assert len(shown) > 2


async def test_an_empty_ledger_has_views_that_can_be_rebuilt(work: Rebuilding) -> None:
    await work.rebuild(ACME, VIEWS, ignore)
    with pytest.raises(TenantNotFound):
        await work.rebuild(TenantName("nobody"), VIEWS, ignore)


async def test_readers_see_the_old_rows_and_then_the_new_ones(
    services: Services, work: Rebuilding, dsn: str, projector: Projector
) -> None:
    await projected(services, projector)
    right, wrong = await tables(dsn), await disturb(dsn)

    rebuild = asyncio.create_task(work.rebuild(ACME, VIEWS, ignore))
    seen = [await rows_of(dsn, "order_state", "timeline")]
    while not rebuild.done():
        seen.append(await rows_of(dsn, "order_state", "timeline"))
    await rebuild
    seen.append(await rows_of(dsn, "order_state", "timeline"))

    assert (seen[0], seen[-1]) == (of(wrong), of(right))
    assert all(rows in (of(wrong), of(right)) for rows in seen)


def of(found: Mapping[str, Sequence[str]]) -> list[str]:
    return sorted([*found["order_state"], *found["timeline"]])


async def rows_of(dsn: str, one: str, other: str) -> list[str]:
    """Return the rows of two views as one statement sees them."""
    query = f"SELECT v::text FROM ordertrail.{one} AS v UNION ALL SELECT v::text FROM ordertrail.{other} AS v"
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        return sorted(row[0] for row in await (await connection.execute(query)).fetchall())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "lock",
    [
        # It has derived the new rows and waits for the projector.
        "SELECT FROM ordertrail.checkpoints WHERE tenant = 'acme' FOR UPDATE",
        # It is replacing the old ones.
        "SELECT FROM ordertrail.timeline WHERE tenant = 'acme' FOR UPDATE",
    ],
)
async def test_a_rebuild_that_is_killed_leaves_everything_as_it_was(
    services: Services, work: Rebuilding, dsn: str, projector: Projector, lock: str
) -> None:
    await projected(services, projector)
    right = await tables(dsn)
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        await connection.execute("UPDATE ordertrail.timeline SET type = 'changed' WHERE tenant = 'acme'")
    wrong = await tables(dsn)

    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        await connection.execute(lock)  # type: ignore[arg-type]
        with rebuilding_process(dsn):
            await until(dsn, WAITS)

    await until(dsn, GONE)
    assert await tables(dsn) == wrong
    await work.rebuild(ACME, VIEWS, ignore)
    assert await tables(dsn) == right


@contextmanager
def rebuilding_process(dsn: str) -> Iterator[None]:
    """Rebuild in a process of its own; end it with SIGKILL."""
    with subprocess.Popen([sys.executable, "-c", REBUILD, dsn], cwd=ROOT) as process:
        try:
            yield
        finally:
            process.kill()


WAITS = f"EXISTS (SELECT FROM {ACTIVITY} WHERE datname = current_database() AND wait_event_type = 'Lock')"
"""A rebuild waits for a lock."""
GONE = "NOT EXISTS (SELECT FROM pg_class WHERE relpersistence = 't' AND relname = 'timeline')"
"""The server has noticed that a rebuild is no more, and its tables are no more either."""


async def until(dsn: str, condition: str) -> None:
    async with asyncio.timeout(60), await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        while not (await (await connection.execute(f"SELECT {condition}")).fetchall())[0][0]:  # type: ignore[arg-type]  # noqa: ASYNC110 another process acts
            await asyncio.sleep(0.01)


async def test_a_view_that_cannot_be_derived_is_left_as_it_was(
    services: Services, work: Rebuilding, dsn: str, projector: Projector
) -> None:
    await projected(services, projector)
    wrong, positions = await disturb(dsn), await lag(dsn)

    def fail(*_: object) -> Sequence[tuple[object, ...]]:
        raise ZeroDivisionError

    faulty = [Projection(name, rows=fail) for name in VIEWS]
    beside = PostgresSideViewStore(dsn, as_owner=True)
    with pytest.raises(ViewStopped, match="action_log of acme stopped after position 0: ZeroDivisionError"):
        await Rebuilding(services.store, beside, faulty, reveal_nothing).rebuild(ACME, VIEWS, ignore)

    assert (await tables(dsn), await lag(dsn)) == (wrong, positions)
