"""A view that is noted to have read events that there are not is stopped before it skips any, until it is rebuilt."""

import asyncio
import logging
from typing import LiteralString

import pytest

from api.bootstrap import open_projector
from api.cli.views import rebuild, verify_views
from api.services import Services
from application.access.callers import Tenant
from application.transparency.audit.findings import Damage
from application.views.health import ProjectionHealth
from application.views.upkeep.projector import Projector
from tests.fix_postgres import database
from tests.fix_sealed import SealedLedger
from tests.projecting import VIEWS, caught_up, running_projector, tables, undisturbed

HEAD = 15
AHEAD = "it is noted to have read 17 events, the ledger has 15; run ordertrail rebuild timeline --tenant acme"


@pytest.fixture
async def views(services: Services, tenant: Tenant, dsn: str, projector: Projector) -> SealedLedger:
    """A ledger of 15 events, of which the timeline is noted to have read 17."""
    ledger = SealedLedger(services, tenant.name, dsn)
    await ledger.tell(HEAD)
    await projector.behind()
    await projector.catch_up(ledger.tenant)
    await move(ledger, 17)
    return ledger


async def move(ledger: SealedLedger, position: int, view: str = "timeline") -> None:
    sql: LiteralString = "UPDATE ordertrail.checkpoints SET position = %s WHERE projection = %s AND tenant = 'acme'"
    assert await ledger.meddle(sql, position, view) == 1


async def checkpoint(ledger: SealedLedger, view: str = "timeline") -> tuple[int, str | None, bool]:
    sql: LiteralString = (
        "SELECT position, error, must_be_rebuilt FROM ordertrail.checkpoints WHERE tenant = 'acme' AND projection = %s"
    )
    [found] = await ledger.rows(sql, view)
    return (found[0], found[1], found[2])


async def let_time_pass(ledger: SealedLedger) -> None:
    await ledger.meddle("UPDATE ordertrail.checkpoints SET updated_at = now() - interval '1 hour'")


async def timeline_health(ledger: SealedLedger) -> ProjectionHealth:
    [found] = [health for health in await ledger.services.health.projections() if health.projection == "timeline"]
    return found


async def test_it_is_stopped_and_the_others_go_on(
    views: SealedLedger, projector: Projector, caplog: pytest.LogCaptureFixture
) -> None:
    await views.tell(1)

    await projector.project(views.tenant)

    assert await checkpoint(views) == (17, AHEAD.replace("has 15", "has 16"), True)
    assert await checkpoint(views, "action_log") == (16, None, False)
    [said] = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert said.startswith("Projection timeline of tenant acme stopped: it is noted to have read 17 events")


async def test_it_is_found_though_nothing_is_appended(views: SealedLedger, projector: Projector) -> None:
    assert await projector.behind() == [views.tenant]

    await projector.project(views.tenant)

    assert await checkpoint(views) == (17, AHEAD, True)
    assert await projector.behind() == []


async def test_it_stays_stopped_when_the_ledger_has_passed_it(views: SealedLedger, projector: Projector) -> None:
    await projector.project(views.tenant)
    await views.tell(5)

    for _ in range(3):
        await let_time_pass(views)
        await projector.behind()
        await projector.catch_up(views.tenant)

    assert await checkpoint(views) == (17, AHEAD, True)
    assert await views.rows("SELECT max(position) FROM ordertrail.timeline") == [(HEAD,)]


async def test_health_says_so_from_the_first_moment_on(views: SealedLedger, projector: Projector) -> None:
    at_once = await timeline_health(views)
    await projector.project(views.tenant)
    found = await timeline_health(views)
    await views.tell(5)
    passed = await timeline_health(views)

    assert at_once[:3] == ("timeline", HEAD, ["acme after position 17: the ledger ends before it"])
    assert found[:3] == ("timeline", HEAD, [f"acme after position 17: {AHEAD}"])
    assert passed[:3] == ("timeline", HEAD + 5, [f"acme after position 17: {AHEAD}"])


async def test_reads_say_that_they_may_lack_everything(views: SealedLedger, projector: Projector) -> None:
    queries = views.services.queries
    at_once = await queries.fresh(views.tenant, "timeline")
    await projector.project(views.tenant)
    found = await queries.fresh(views.tenant, "order_state", "timeline")
    await views.tell(2)  # the ledger is where the checkpoint says it is
    await projector.project(views.tenant)
    reached = await queries.fresh(views.tenant, "timeline")

    assert [(fresh.position, fresh.lag) for fresh in (at_once, found, reached)] == [(0, 15), (0, 15), (0, 17)]
    other = await queries.fresh(views.tenant, "action_log")
    assert (other.position, other.lag) == (17, 0)


async def test_verification_names_it(
    views: SealedLedger, projector: Projector, dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    mend = "run ordertrail rebuild timeline --tenant acme"
    says = f"view timeline is noted to have read 17 events, the ledger has 15; {mend}"
    assert await views.damages() == [Damage(None, says)]
    assert not await verify_views(dsn, "acme")
    assert f"acme: {says}\n" in capsys.readouterr().out

    await projector.project(views.tenant)
    await views.tell(5)
    await projector.project(views.tenant)

    says = f"view timeline was noted to have read more events than there were, and is at 17 of 20; {mend}"
    assert await views.damages() == [Damage(None, says)]
    assert not await verify_views(dsn, "acme")
    out = capsys.readouterr().out
    assert f"acme: {says}\n" in out
    assert "acme: timeline is not what events 1 to 17 make of it, 3 behind: 2 rows differ\n" in out


async def test_rebuilding_mends_it(views: SealedLedger, projector: Projector, dsn: str) -> None:
    await projector.project(views.tenant)
    await views.tell(5)

    await rebuild(dsn, ["timeline"], "acme")

    assert await checkpoint(views) == (20, None, False)
    assert await views.damages() == []
    await views.tell(1)
    await projector.catch_up(views.tenant)
    assert await checkpoint(views) == (21, None, False)
    assert await verify_views(dsn, "acme")
    assert not (await timeline_health(views)).stopped


async def test_one_that_nobody_has_looked_at_yet_is_mended_as_well(views: SealedLedger, dsn: str) -> None:
    await rebuild(dsn, [], "acme")

    assert await checkpoint(views) == (HEAD, None, False)
    assert await verify_views(dsn, "acme")


async def test_a_running_projector_finds_it_and_skips_nothing(
    views: SealedLedger, dsn: str, server_dsn: str, template_name: str
) -> None:
    with running_projector(dsn):
        while not (await checkpoint(views))[2]:  # noqa: ASYNC110 another process finds it
            await asyncio.sleep(0.02)
        await views.tell(10)
        await rebuild(dsn, ["timeline"], "acme")
        await views.tell(1)
        await caught_up(dsn)

    with database(server_dsn, template=template_name) as other:
        assert await tables(dsn) == await undisturbed(dsn, other)


async def test_two_projectors_that_share_a_ledger_never_think_they_are_ahead(
    services: Services, tenant: Tenant, dsn: str
) -> None:
    ledger = SealedLedger(services, tenant.name, dsn)
    async with open_projector(dsn) as one, open_projector(dsn) as other:
        await one.behind()
        appending = asyncio.create_task(_append(ledger, 150))
        while not appending.done():
            await asyncio.gather(*[projector.project(ledger.tenant) for projector in (one, other, one, other)])
        await one.catch_up(ledger.tenant)

    assert {await checkpoint(ledger, view) for view in VIEWS} == {(150, None, False)}


async def _append(ledger: SealedLedger, count: int) -> None:
    for _ in range(count):
        await ledger.tell(1)
