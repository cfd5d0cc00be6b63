"""Views are proven row by row: whatever is not what the ledger makes of it is found, and named with its event."""

import asyncio
from random import Random

import psycopg
import pytest

from api import bootstrap
from api.services import Services
from application.ledger.codec import encode
from application.ledger.port import ANY, Append, Write
from application.views.proof import Finding, ViewProof
from application.views.upkeep.projector import Projector
from application.views.upkeep.rebuild import Rebuilding
from domain.events.event import Event
from domain.events.integration import IntegrationTied, Registered
from domain.events.lifecycle import CommentAdded
from domain.events.payment import PaymentStatusUpdated
from domain.values import TenantName
from tests.builders import (
    INTEGRATION,
    ORDER,
    a_created_event,
    a_service_event,
    a_system_log,
    an_event,
    an_exception,
)
from tests.projecting import VIEWS, append_events, caught_up, running_projector, tables

ACME = TenantName("acme")
THE_ORDER, THE_INTEGRATION = f"order {ORDER}", f"integration {INTEGRATION}"
STORY: list[Event] = [
    Registered(originator_id=f"integration-{INTEGRATION}", shop_name="Books"),  # 1
    a_created_event(),
    an_event(IntegrationTied, integration_id=INTEGRATION),
    an_event(status="open"),  # 4
    a_service_event(),
    a_system_log(correlation_id="c1"),  # 6
    an_exception(exception_type="http"),
    an_event(PaymentStatusUpdated, status="paid"),  # 8
    an_event(CommentAdded, text="Hi"),
]


class Proof:
    """A ledger with views, somebody who changes them, and the proof."""

    def __init__(self, dsn: str, services: Services) -> None:
        self.dsn = dsn
        self.services = services
        self._work: Rebuilding = bootstrap.rebuilding(dsn, services)
        self._proof = ViewProof(services.store, services.time_travel)

    async def tell(self, *events: Event) -> None:
        for event in events:
            write = Write(event.originator_id, ANY, (encode(event),))
            await self.services.store.append(Append(ACME, (write,)))

    async def tamper(self, statement: str) -> None:
        async with await psycopg.AsyncConnection.connect(self.dsn, autocommit=True) as connection:
            cursor = await connection.execute(statement)  # type: ignore[arg-type]
            assert cursor.rowcount == 1

    async def findings(self, tenant: TenantName = ACME) -> list[Finding]:
        async with self._work.compared(tenant, VIEWS, lambda *_: None) as compared:
            return [
                await self._proof.finding(tenant, difference)
                for view in VIEWS
                async for difference in compared.differences(view)
            ]

    async def found(self) -> list[tuple[str, str, str, int | None]]:
        """Return the findings with the positions of their events."""
        return [(f.view, f.key, f.what, f.event and f.event.position) for f in await self.findings()]


@pytest.fixture
async def proof(dsn: str, services: Services, owner: Services, projector: Projector) -> Proof:
    await owner.credentials.create_tenant(ACME, is_implicit=True, dintero_account=None)
    proof = Proof(dsn, services)
    await proof.tell(*STORY)
    await projector.behind()
    await projector.catch_up(ACME)
    assert all((await tables(dsn)).values())
    return proof


async def test_views_that_are_what_the_ledger_makes_of_them_are_found_so(proof: Proof) -> None:
    assert await proof.found() == []


async def test_looking_changes_nothing(proof: Proof, dsn: str) -> None:
    await proof.tamper("DELETE FROM ordertrail.timeline WHERE position = 4")
    before = await tables(dsn)

    assert await proof.findings()

    assert await tables(dsn) == before


@pytest.mark.parametrize(
    ("change", "view", "key", "column", "position"),
    [
        ("data = '{}' WHERE position = 4", "action_log", THE_ORDER, "data", 4),
        ("state = 'error'", "service_events", THE_ORDER, "state", 5),
        ("response_code = 500", "system_log", THE_ORDER, "response_code", 6),
        ("exception_type = 'none'", "integration_log", THE_INTEGRATION, "exception_type", 7),
        ("kind = 'call' WHERE position = 7", "timeline", THE_ORDER, "kind", 7),
        pytest.param(
            "occurred_at = occurred_at + interval '1 microsecond' WHERE position = 8",
            "timeline",
            THE_ORDER,
            "occurred_at",
            8,
            marks=pytest.mark.one_server("a cluster cannot add to a time in an UPDATE"),
        ),
    ],
)
async def test_a_row_of_a_log_that_was_changed_is_named(
    proof: Proof, change: str, view: str, key: str, column: str, position: int
) -> None:
    await proof.tamper(f"UPDATE ordertrail.{view} SET {change}")

    assert await proof.found() == [(view, f"{key} at position {position}", f"differs in {column}", position)]


@pytest.mark.parametrize(
    ("change", "columns", "position"),
    [
        ("status = 'lost'", "status", 4),
        ("payment_status = NULL", "payment_status", 8),
        ("search = 'nothing'", "search", 2),
        ("first_position = 1", "first_position", 9),
        ("detail = replace(detail::text, 'open', 'lost')::json", "detail", 4),
        ("detail = regexp_replace(detail::text, 'enc:v1', 'Ada')::json, search = 'ada'", "search, detail", 2),
        ("detail = '[]'", "detail", 8),
    ],
)
async def test_an_order_that_was_changed_is_named_with_the_event_that_had_made_it_so(
    proof: Proof, change: str, columns: str, position: int
) -> None:
    await proof.tamper(f"UPDATE ordertrail.order_state SET {change}")

    assert await proof.found() == [("order_state", THE_ORDER, f"differs in {columns}", position)]


async def test_an_integration_that_was_changed_is_named(proof: Proof) -> None:
    await proof.tamper("UPDATE ordertrail.integrations SET shop_name = 'Cheese'")

    assert await proof.found() == [("integrations", THE_INTEGRATION, "differs in shop_name", 7)]


@pytest.mark.parametrize(
    ("view", "key", "position"),
    [
        ("action_log", f"{THE_ORDER} at position 4", 4),
        ("service_events", f"{THE_ORDER} at position 5", 5),
        ("order_state", THE_ORDER, 9),
        ("system_log", f"{THE_ORDER} at position 6", 6),
        ("integration_log", f"{THE_INTEGRATION} at position 7", 7),
        ("integrations", THE_INTEGRATION, 7),
        ("timeline", f"{THE_ORDER} at position 7", 7),
    ],
)
async def test_a_row_that_was_deleted_is_named(proof: Proof, view: str, key: str, position: int) -> None:
    where = f"WHERE position = {position}" if "position" in key else ""
    await proof.tamper(f"DELETE FROM ordertrail.{view} {where}")

    assert await proof.found() == [(view, key, "is missing", position)]


@pytest.mark.parametrize("view", VIEWS)
async def test_a_row_that_was_added_is_named(proof: Proof, view: str) -> None:
    key = "integration_id" if view.startswith("integration") else "order_id"
    await proof.tamper(
        f"INSERT INTO ordertrail.{view} SELECT (jsonb_populate_record(v, '{{\"{key}\": 666}}')).* "
        f"FROM ordertrail.{view} AS v LIMIT 1"
    )

    [finding] = await proof.findings()

    assert (finding.view, finding.what) == (view, "should not be there")
    assert finding.key.startswith(f"{key.removesuffix('_id')} 666")


async def test_a_row_about_an_event_that_was_never_recorded_has_none(proof: Proof) -> None:
    await proof.tamper("UPDATE ordertrail.timeline SET position = 1000 WHERE position = 9")

    assert await proof.found() == [
        ("timeline", f"{THE_ORDER} at position 9", "is missing", 9),
        ("timeline", f"{THE_ORDER} at position 1000", "should not be there", None),
    ]


async def test_every_difference_is_found(proof: Proof, dsn: str) -> None:
    count = sum(map(len, (await tables(dsn)).values()))
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        for view in VIEWS:
            await connection.execute(f"DELETE FROM ordertrail.{view}")  # type: ignore[arg-type]

    assert len(await proof.found()) == count


async def test_another_tenants_rows_are_none_of_ours(proof: Proof, owner: Services, dsn: str) -> None:
    globex = TenantName("globex")
    await owner.credentials.create_tenant(globex, is_implicit=True, dintero_account=None)
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        await connection.execute(
            "INSERT INTO ordertrail.timeline "
            'SELECT (jsonb_populate_record(t, \'{"tenant": "globex"}\')).* FROM ordertrail.timeline AS t'
        )

    assert await proof.findings() == []
    assert {finding.what for finding in await proof.findings(globex)} == {"should not be there"}


async def test_a_view_that_is_behind_is_compared_with_as_much_of_the_ledger(
    proof: Proof, projector: Projector, dsn: str
) -> None:
    await proof.tell(an_event(status="late"))
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        await connection.execute("UPDATE ordertrail.checkpoints SET error = 'held' WHERE projection = 'timeline'")
    await projector.catch_up(ACME)

    assert await proof.found() == []
    await proof.tamper("DELETE FROM ordertrail.action_log WHERE position = 10")
    assert await proof.found() == [("action_log", f"{THE_ORDER} at position 10", "is missing", 10)]


async def test_views_are_proven_while_appends_and_projectors_go_on(proof: Proof, services: Services, dsn: str) -> None:
    with running_projector(dsn):
        await caught_up(dsn)
        loading = asyncio.create_task(append_events(services.store, ACME, Random(1), count=300))
        while not loading.done():
            assert await proof.findings() == []
        await loading
        await caught_up(dsn)

    assert await proof.findings() == []
