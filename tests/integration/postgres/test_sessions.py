"""Every session of ours is set up the same, whatever the database, the environment and the DSN have as defaults."""

from collections.abc import AsyncIterator

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from domain.values import TenantName
from infrastructure.library.database import TenantDatabase
from infrastructure.postgres.database import Connection, connect, open_pool
from infrastructure.postgres.session import connecting, owner_dsn, runtime_dsn
from infrastructure.setup.owner_session import owner_session

EXPECTED = {
    "client_encoding": "UTF8",
    "DateStyle": "ISO, DMY",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "search_path": "ordertrail, pg_temp",
    "plan_cache_mode": "auto",
    "transaction_isolation": "read committed",
    "synchronous_commit": "on",
}
DEFAULTS = {
    "datestyle": "German",
    "intervalstyle": "iso_8601",
    "timezone": "Asia/Taipei",
    "plan_cache_mode": "force_generic_plan",
    "search_path": "public",
    "default_transaction_isolation": "serializable",
    "synchronous_commit": "off",
}
SETTINGS = sql.SQL(" UNION ALL ").join(
    sql.SQL("SELECT {0}, current_setting({0})").format(sql.Literal(name)) for name in EXPECTED
)


@pytest.fixture
def unlike_dsn(dsn: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A migrated database whose defaults are none of ours, nor are those of our environment."""
    database = sql.Identifier(conninfo_to_dict(dsn)["dbname"])
    with psycopg.connect(dsn, autocommit=True) as connection:
        for setting in DEFAULTS.items():
            name, value = map(sql.SQL, setting)
            connection.execute(sql.SQL("ALTER DATABASE {} SET {} = '{}'").format(database, name, value))
    monkeypatch.setenv("PGTZ", "Asia/Taipei")
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    return make_conninfo(dsn, client_encoding="LATIN1")


@pytest.fixture(params=["pool", "writer", "owner"])
async def session(request: pytest.FixtureRequest, unlike_dsn: str) -> AsyncIterator[Connection]:
    if request.param == "pool":
        async with open_pool(unlike_dsn, size=1) as pool, pool.connection() as connection:
            yield connection
    else:
        async with await connect(unlike_dsn, as_owner=request.param == "owner") as connection:
            yield connection


async def test_a_session_of_the_service_is_set_up(session: Connection) -> None:
    assert dict(await (await session.execute(SETTINGS)).fetchall()) == EXPECTED
    assert session.autocommit


def test_a_session_of_the_librarys_recorder_is_set_up(unlike_dsn: str) -> None:
    with owner_session(unlike_dsn) as owner:
        owner.execute("INSERT INTO ordertrail.tenants (tenant) VALUES ('acme')")
        owner.execute("INSERT INTO ordertrail.ledgers (tenant) VALUES ('acme')")
    database = TenantDatabase(unlike_dsn, TenantName("acme"))
    database.open()
    try:
        with database.cursor() as cursor, database.listening() as listening:
            assert dict(cursor.execute(SETTINGS).fetchall()) == EXPECTED
            assert dict(listening.execute(SETTINGS).fetchall()) == EXPECTED
    finally:
        database.close()


def test_the_session_that_sets_a_database_up_is_set_up(unlike_dsn: str) -> None:
    with owner_session(unlike_dsn) as session:
        assert dict(session.execute(SETTINGS).fetchall()) == EXPECTED


def test_a_session_of_the_librarys_recorder_has_time_outs(dsn: str) -> None:
    with psycopg.connect(dsn) as owner:
        owner.execute("INSERT INTO ordertrail.tenants (tenant) VALUES ('acme')")
        owner.execute("INSERT INTO ordertrail.ledgers (tenant) VALUES ('acme')")
    database = TenantDatabase(dsn, TenantName("acme"))
    database.open()
    try:
        query = "SELECT current_setting('statement_timeout'), current_setting('lock_timeout')"
        assert database.fetch(query.encode()) == [("1min", "30s")]
    finally:
        database.close()


@pytest.mark.parametrize("as_owner", [True, False])
def test_both_drivers_connect_alike(as_owner: bool) -> None:
    how = connecting("host=db.example", as_owner=as_owner, seconds=2.5)

    conninfo = conninfo_to_dict(how.pop("conninfo"))
    assert (conninfo["client_encoding"], "role=ordertrail_runtime" in conninfo.get("options", "")) == (
        "UTF8",
        not as_owner,
    )
    assert how == {
        "autocommit": True,
        "prepare_threshold": 2,
        "connect_timeout": 3,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 25_000,
    }


async def test_a_pool_has_settings_of_its_own_besides(dsn: str) -> None:
    settings = {"statement_timeout": "15s", "lock_timeout": "10s"}

    async with open_pool(dsn, size=1, settings=settings) as pool, pool.connection() as connection:
        query = "SELECT current_setting('statement_timeout'), current_setting('lock_timeout')"
        assert await (await connection.execute(query)).fetchall() == [("15s", "10s")]


async def test_a_session_has_the_rights_of_the_runtime_role_unless_the_owners_are_asked_for(dsn: str) -> None:
    who = "SELECT current_user"
    async with await connect(dsn) as runtime, await connect(dsn, as_owner=True) as owner:
        assert await (await runtime.execute(who)).fetchall() == [("ordertrail_runtime",)]
        assert await (await owner.execute(who)).fetchall() == [("postgres",)]


async def test_a_temporary_table_does_not_hide_one_of_ours(dsn: str) -> None:
    async with await connect(dsn, as_owner=True) as session:
        await session.execute("CREATE TEMPORARY TABLE checkpoints (tenant text)")

        assert await (await session.execute("SELECT 'checkpoints'::regclass::text")).fetchall() == [("checkpoints",)]
        found = "SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = 'checkpoints'::regclass"
        assert await (await session.execute(found)).fetchall() == [("ordertrail",)]


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://postgres:@/orders?host=/run/a%20b",
        "postgresql://postgres@/orders?host=/run/a%20b&options=-c%20jit%3Doff",
        "host='/run/a b' dbname=orders user=postgres options='-c jit=off'",
    ],
)
def test_the_dsn_of_a_session_keeps_what_was_given(dsn: str) -> None:
    given = "-c jit=off" if "jit" in dsn else None

    runtime, owner = conninfo_to_dict(runtime_dsn(dsn)), conninfo_to_dict(owner_dsn(dsn))

    for parameters in (runtime, owner):
        assert (parameters["host"], parameters["dbname"], parameters["user"]) == ("/run/a b", "orders", "postgres")
    assert owner.get("options") == given
    assert runtime["options"] == f"{given or ''} -c role=ordertrail_runtime".strip()
