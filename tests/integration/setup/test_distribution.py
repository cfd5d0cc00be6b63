"""An installation is distributed over a cluster's nodes by tenant, when it is made or later, once or again."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest

from application.ledger.port import ANY, Append, Write
from application.views.health import InstallationShape
from infrastructure.ledger.append_call import AppendCall
from infrastructure.postgres.database import connect
from infrastructure.postgres.statements import statements
from infrastructure.setup.distribution import NoCitus, distribution_in
from infrastructure.setup.migrations import migrate
from infrastructure.setup.owner_session import owner_session
from tests.cluster import nodes
from tests.fix_postgres import database
from tests.fix_store import new_event, open_ledger
from tests.lost_node import open_shop
from tests.paths import ROOT

MIGRATIONS = ROOT / "infrastructure" / "sql" / "migrations"
TENANTS = [f"tenant-{n}" for n in range(6)]


def shape_of(dsn: str) -> InstallationShape:
    with owner_session(dsn) as session:
        return distribution_in(session).shape


def tables_of(dsn: str) -> dict[str, set[tuple[str, int]]]:
    """Return the tables by how they are distributed, with the group of tables that are kept together."""
    with psycopg.connect(dsn) as connection:
        found = connection.execute("SELECT citus_table_type, table_name::text, colocation_id FROM citus_tables")
        kinds: dict[str, set[tuple[str, int]]] = {}
        for kind, name, group in found:
            kinds.setdefault(kind, set()).add((name, group))
        return kinds


def write(dsn: str, *, events: int) -> None:
    """Write to ledgers as our functions do, without a session of ours."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for tenant in TENANTS:
            connection.execute("INSERT INTO ordertrail.tenants VALUES (%s) ON CONFLICT DO NOTHING", [tenant])
            connection.execute("INSERT INTO ordertrail.ledgers VALUES (%s) ON CONFLICT DO NOTHING", [tenant])
            for _ in range(events):
                call = "SELECT out_position FROM ordertrail.append_alone(%s, 'order-1', -2, %s, 't', '', '', now())"
                assert connection.execute(call, [tenant, new_event().event_id]).fetchone() != (None,)


def positions_of(dsn: str) -> list[tuple[str, int, int]]:
    query = "SELECT tenant, count(*), max(position) FROM ordertrail.events GROUP BY tenant ORDER BY tenant"
    with psycopg.connect(dsn) as connection:
        return connection.execute(query).fetchall()


def test_a_server_without_citus_says_so_in_one_line(postgres15_server_dsn: str) -> None:
    with database(postgres15_server_dsn) as dsn:
        with pytest.raises(NoCitus, match="has no Citus") as error:
            migrate(dsn, show=lambda *_: None)

        assert "\n" not in str(error.value)
        with psycopg.connect(dsn) as connection:
            assert connection.execute("SELECT to_regnamespace('ordertrail')").fetchone() == (None,)


def test_an_installation_on_one_server_says_so(postgres15_dsn: str) -> None:
    assert shape_of(postgres15_dsn) == InstallationShape.ONE_SERVER


@pytest.mark.citus
def test_all_tables_of_a_tenant_are_kept_together_and_those_of_the_installation_everywhere(empty_dsn: str) -> None:
    told: list[tuple[int, int]] = []

    migrate(empty_dsn, show=lambda *progress: told.append(progress))

    tables = tables_of(empty_dsn)
    everywhere = {name.removeprefix("ordertrail.") for name, _ in tables["reference"]}
    assert everywhere == {"installation", "signing_keys", "tenants", "credentials"}
    assert len({group for _, group in tables["distributed"]}) == 1
    assert told[-1] == (len(told), len(told)) == (len(tables["distributed"]) + 4,) * 2
    assert shape_of(empty_dsn) == InstallationShape.DISTRIBUTED


@pytest.mark.citus
def test_an_installation_that_has_data_is_distributed_with_it(empty_dsn: str) -> None:
    migrate(empty_dsn)
    write(empty_dsn, events=3)
    before = positions_of(empty_dsn)

    migrate(empty_dsn, show=lambda *_: None)

    assert positions_of(empty_dsn) == before == [(tenant, 3, 3) for tenant in TENANTS]
    write(empty_dsn, events=2)
    assert positions_of(empty_dsn) == [(tenant, 5, 5) for tenant in TENANTS]


@pytest.mark.citus
def test_what_was_interrupted_is_told_and_goes_on(empty_dsn: str) -> None:
    migrate(empty_dsn)
    write(empty_dsn, events=1)

    def interrupt(done: int, _: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        migrate(empty_dsn, show=interrupt)
    assert shape_of(empty_dsn) == InstallationShape.PARTLY_DISTRIBUTED

    migrate(empty_dsn)  # as serve does

    assert shape_of(empty_dsn) == InstallationShape.DISTRIBUTED
    assert positions_of(empty_dsn) == [(tenant, 1, 1) for tenant in TENANTS]


@pytest.mark.citus
def test_who_has_distributed_an_installation_may_do_it_again(dsn: str) -> None:
    before = tables_of(dsn)

    assert migrate(dsn, show=lambda *_: None) == []

    assert tables_of(dsn) == before


@pytest.mark.citus
def test_a_table_that_a_later_migration_adds_is_distributed_too(
    empty_dsn: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    migrate(empty_dsn, show=lambda *_: None)
    for file in MIGRATIONS.glob("*.sql"):
        shutil.copy(file, tmp_path)
    (tmp_path / "9001_more.sql").write_text(
        'CREATE TABLE ordertrail.more (tenant text COLLATE "C" NOT NULL, n int, PRIMARY KEY (tenant, n));'
    )
    monkeypatch.setattr("infrastructure.setup.survey.files", lambda _: SimpleNamespace(joinpath=lambda *_: tmp_path))

    assert migrate(empty_dsn) == ["9001_more"]

    assert "ordertrail.more" in {name for name, _ in tables_of(empty_dsn)["distributed"]}


@pytest.mark.citus
def test_each_node_makes_the_plans_of_our_functions_anew_and_compiles_none(dsn: str) -> None:
    for node in nodes(dsn):
        assert_functions_are_planned_for_nodes(node)


@pytest.mark.citus
def test_distributing_again_mends_how_our_functions_are_planned(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        functions = connection.execute("SELECT oid::regprocedure::text FROM pg_proc WHERE proname = 'append_group'")
        [[function]] = functions.fetchall()
        connection.execute(f"ALTER FUNCTION {function} RESET jit")  # as an earlier release left it

    migrate(dsn, show=lambda *_: None)

    for node in nodes(dsn):
        assert_functions_are_planned_for_nodes(node)


def assert_functions_are_planned_for_nodes(node: str) -> None:
    wanted = "'{plan_cache_mode=force_custom_plan,enable_sort=off,jit=off}'"
    query = f"SELECT p.prosecdef = coalesce(p.proconfig @> {wanted}, false) FROM pg_proc AS p JOIN pg_namespace AS n"
    with psycopg.connect(node) as connection:
        found = connection.execute(f"{query} ON n.oid = p.pronamespace WHERE n.nspname = 'ordertrail'").fetchall()

    assert found
    assert all(is_so for (is_so,) in found)


@pytest.mark.citus
async def test_a_session_of_a_node_does_not_grow_with_its_appends(dsn: str) -> None:
    memory, few, many = "SELECT sum(used_bytes)::bigint FROM pg_backend_memory_contexts", 20, 200
    async with open_shop(dsn) as shop, await connect(shop.node, as_owner=True) as connection:
        used = []
        for times in (few, many):
            for _ in range(times):
                call, event = AppendCall(shop.lost), new_event()
                call.add(Append(shop.lost, (Write("order-1", ANY, (event,)),)), [event])
                await call.make(connection)
            [[size]] = await (await connection.execute(memory)).fetchall()
            used.append(size)

    assert used[1] - used[0] < many * 1_000


@pytest.mark.citus
async def test_an_append_is_sent_whole_to_the_node_of_its_tenant_every_time(dsn: str) -> None:
    async with open_ledger(dsn) as ledger, await connect(dsn) as connection:
        call, event = AppendCall(ledger.tenant), new_event()
        call.add(Append(ledger.tenant, (Write("order-1", ANY, (event,)),)), [event])
        alone = {**(call.alone_parameters() or {}), "latest": call.parameters()["latest"]}

        for name, parameters in {"append": call.parameters(), "append_alone": alone}.items():
            cursor = connection.cursor(binary=True)
            for _ in range(8):
                await cursor.execute(b"EXPLAIN " + statements("ledger")[name], parameters, prepare=True)
                plan = " ".join(row[0].strip() for row in await cursor.fetchall())

                assert plan.startswith("Custom Scan (Citus Adaptive)"), plan
                assert "Task Count: 1" in plan
                assert "Function Scan on append" in plan


@pytest.mark.citus
async def test_the_nodes_have_what_a_session_of_ours_has_set(empty_dsn: str) -> None:
    migrate(empty_dsn, show=lambda *_: None)
    expected = {
        "synchronous_commit": "on",
        "default_transaction_isolation": "read committed",
        "statement_timeout": "1min",
        "lock_timeout": "30s",
        "timezone": "UTC",
    }
    query = "SELECT DISTINCT result FROM run_command_on_workers(%s)"
    async with await connect(empty_dsn) as connection:
        for name, value in expected.items():
            found = await (await connection.execute(query, [f"SHOW {name}"])).fetchall()

            assert found == [(value,)], name
