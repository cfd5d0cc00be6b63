"""Migrations: from nothing, again, at the same time, by somebody who is no superuser, and in vain."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Barrier
from types import SimpleNamespace

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from domain.errors import OrdertrailError, Unavailable
from infrastructure.postgres.session import InvalidDsn, MissingRight, runtime_dsn
from infrastructure.postgres.statements import statements
from infrastructure.setup import owner_session
from infrastructure.setup.migrations import MigrationFailed, migrate, pending
from infrastructure.setup.owner_session import ServerTooOld
from tests.cluster import require_one_server
from tests.fix_postgres import database
from tests.paths import ROOT

SQL_FILES = sorted(ROOT.joinpath("infrastructure", "sql", "migrations").glob("*.sql"))
NAMES = [file.stem for file in SQL_FILES]


@pytest.fixture
def new_server_dsn(any_server_dsn: str) -> Iterator[str]:
    """A server where nobody made our role yet."""
    require_one_server(any_server_dsn, "other databases of the cluster need the role")
    with psycopg.connect(any_server_dsn, autocommit=True) as admin:
        is_made = admin.execute("SELECT to_regrole('ordertrail_runtime') IS NOT NULL").fetchone() == (True,)
        if is_made:
            admin.execute("ALTER ROLE ordertrail_runtime RENAME TO ordertrail_runtime_aside")
        try:
            yield any_server_dsn
        finally:
            admin.execute("DROP ROLE IF EXISTS ordertrail_runtime")
            if is_made:
                admin.execute("ALTER ROLE ordertrail_runtime_aside RENAME TO ordertrail_runtime")


@contextmanager
def owned_database(server_dsn: str, owner: str) -> Iterator[str]:
    """A database whose owner may create roles but is no superuser."""
    with psycopg.connect(server_dsn, autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {owner} LOGIN CREATEROLE")
        try:
            with database(server_dsn) as dsn:
                admin.execute(f"ALTER DATABASE {conninfo_to_dict(dsn)['dbname']} OWNER TO {owner}")
                yield make_conninfo(dsn, user=owner)
        finally:
            # What it granted goes with it.
            admin.execute(f"DROP OWNED BY {owner}")
            admin.execute(f"DROP ROLE {owner}")


def migrate_together(dsns: list[str]) -> list[list[str]]:
    barrier = Barrier(len(dsns))

    def start(dsn: str) -> list[str]:
        barrier.wait()
        return migrate(dsn)

    with ThreadPoolExecutor(len(dsns)) as pool:
        return list(pool.map(start, dsns))


def tables_of(dsn: str) -> set[str]:
    with psycopg.connect(dsn) as connection:
        query = "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname !~ '^(pg_|information_schema)'"
        return {row[0] for row in connection.execute(query)}


def test_an_empty_database_gets_all_migrations_in_name_order(any_empty_dsn: str) -> None:
    assert pending(any_empty_dsn) == NAMES

    applied = migrate(any_empty_dsn)

    assert applied == NAMES
    assert not pending(any_empty_dsn)


def test_a_second_run_finds_nothing_to_do(any_empty_dsn: str) -> None:
    migrate(any_empty_dsn)

    assert migrate(any_empty_dsn) == []


def test_everything_including_the_bookkeeping_is_in_our_schema(any_empty_dsn: str) -> None:
    migrate(any_empty_dsn)

    assert {table.split(".")[0] for table in tables_of(any_empty_dsn)} == {"ordertrail"}
    assert "ordertrail._yoyo_migration" in tables_of(any_empty_dsn)


def test_of_several_who_migrate_at_once_one_does_it_and_the_others_wait(any_empty_dsn: str) -> None:
    applied = migrate_together([any_empty_dsn] * 4)

    assert sorted(applied) == [[], [], [], NAMES]
    assert not pending(any_empty_dsn)


def test_databases_of_one_server_are_migrated_at_once_though_they_share_the_role(new_server_dsn: str) -> None:
    with ExitStack() as databases:
        dsns = [databases.enter_context(database(new_server_dsn)) for _ in range(4)]

        assert migrate_together(dsns) == [NAMES] * 4


def test_a_database_owner_who_may_create_roles_can_migrate_and_become_the_runtime_role(new_server_dsn: str) -> None:
    with owned_database(new_server_dsn, "shop") as dsn:
        applied = migrate(dsn)

        assert applied == NAMES
        with psycopg.connect(runtime_dsn(dsn)) as connection:
            assert connection.execute("SELECT current_user, session_user").fetchone() == ("ordertrail_runtime", "shop")


def test_a_grant_of_the_role_that_another_database_makes_at_the_same_moment_is_waited_for(new_server_dsn: str) -> None:
    with owned_database(new_server_dsn, "shop") as dsn, psycopg.connect(new_server_dsn, autocommit=True) as admin:
        with psycopg.connect(dsn) as maker:
            maker.execute("CREATE ROLE ordertrail_runtime NOLOGIN")
        with psycopg.connect(new_server_dsn) as other, ThreadPoolExecutor(1) as pool:
            other.execute("GRANT ordertrail_runtime TO shop")
            migrating = pool.submit(migrate, dsn)
            while not admin.execute("SELECT FROM pg_locks WHERE NOT granted").fetchall() and not migrating.done():
                pass
            other.commit()

            assert migrating.result(timeout=60) == NAMES


def test_an_owner_who_may_not_create_the_role_is_told_what_to_run(new_server_dsn: str) -> None:
    with owned_database(new_server_dsn, "shop") as dsn, psycopg.connect(new_server_dsn, autocommit=True) as admin:
        admin.execute("ALTER ROLE shop NOCREATEROLE")

        with pytest.raises(MissingRight, match="GRANT ordertrail_runtime TO shop; and migrate again") as error:
            migrate(dsn)
        assert "\n" not in str(error.value)

        admin.execute("CREATE ROLE ordertrail_runtime NOLOGIN")
        with pytest.raises(MissingRight, match="Run as a superuser: GRANT ordertrail_runtime TO shop"):
            migrate(dsn)
        admin.execute("GRANT ordertrail_runtime TO shop")
        assert migrate(dsn) == NAMES


def test_a_failing_migration_leaves_nothing_behind_and_those_before_it_stay(
    empty_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "0001_good.sql").write_text("CREATE TABLE ordertrail.good (id int);")
    (tmp_path / "0002_bad.sql").write_text("CREATE TABLE ordertrail.half (id int); SELECT 1 / 0;")
    monkeypatch.setattr("infrastructure.setup.survey.files", lambda _: SimpleNamespace(joinpath=lambda *_: tmp_path))

    with pytest.raises(MigrationFailed, match="0002_bad could not be applied: division by zero"):
        migrate(empty_dsn)

    assert pending(empty_dsn) == ["0002_bad"]
    assert "ordertrail.good" in tables_of(empty_dsn)
    assert "ordertrail.half" not in tables_of(empty_dsn)


def test_who_waits_for_a_killed_migration_goes_on_when_its_session_ends(empty_dsn: str) -> None:
    with psycopg.connect(empty_dsn, autocommit=True) as killed, ThreadPoolExecutor(1) as pool:
        killed.execute(statements("setup")["lock"])
        waiting = pool.submit(migrate, empty_dsn)
        with psycopg.connect(empty_dsn, autocommit=True) as admin:
            while not admin.execute("SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted").fetchall():
                assert not waiting.done()
            admin.execute("SELECT pg_terminate_backend(%s::int)", [killed.info.backend_pid])

        assert waiting.result(timeout=60) == NAMES


def test_how_far_a_database_is_can_be_asked_with_the_runtime_roles_rights(dsn: str) -> None:
    assert not pending(runtime_dsn(dsn))


@pytest.mark.parametrize(
    "dsn",
    ["postgresql://shop:s3cret@127.0.0.1:1/orders", "host=127.0.0.1 port=1 user=shop password=s3cret dbname=orders"],
)
def test_a_database_that_cannot_be_reached_is_named_without_its_password(dsn: str) -> None:
    with pytest.raises(Unavailable, match=r"Cannot use database orders on 127\.0\.0\.1, port 1: .*refused") as error:
        migrate(dsn)

    assert "\n" not in str(error.value)
    assert "s3cret" not in str(error.value)


def test_a_database_that_does_not_exist_is_named(server_dsn: str) -> None:
    with pytest.raises(Unavailable, match='database "nowhere" does not exist'):
        migrate(make_conninfo(server_dsn, dbname="nowhere"))


@pytest.mark.parametrize("dsn", ["postgresqul://shop:s3cret@localhost/orders", "s3cret", "postgresql://a:s3cret@[/"])
def test_a_dsn_that_is_none_is_refused_without_showing_its_password(dsn: str) -> None:
    with pytest.raises(InvalidDsn) as error:
        migrate(dsn)

    assert "s3cret" not in str(error.value)
    assert error.value.__cause__ is None


def test_a_server_that_is_too_old_is_refused(server_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owner_session, "OLDEST_SERVER", 990_000)

    with pytest.raises(ServerTooOld, match=r"The server runs PostgreSQL \d\d; Ordertrail needs 99 or later"):
        migrate(server_dsn)


def test_every_error_of_ours_is_one_line() -> None:
    for error in (InvalidDsn(), ServerTooOld(), MigrationFailed()):
        assert isinstance(error, OrdertrailError)
        assert "\n" not in str(error)
