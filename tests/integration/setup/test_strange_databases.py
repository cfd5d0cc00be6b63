"""A database that is not ours, or not of this release, is told so in one line, and nothing in it is changed."""

import os
from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from domain.errors import Misconfigured
from infrastructure.library import OrdertrailFactory
from infrastructure.setup import migrations
from infrastructure.setup.migrations import migrate, pending
from infrastructure.setup.owner_session import WrongEncoding
from infrastructure.setup.survey import ForeignSchema, NewerSchema
from tests.commands import assert_says, ordertrail
from tests.dumps import dump

HISTORY = """
    CREATE TABLE ordertrail._yoyo_migration (
        migration_hash varchar(64) PRIMARY KEY, migration_id varchar(255), applied_at_utc timestamp
    );
"""
THEIRS = "INSERT INTO ordertrail._yoyo_migration VALUES ('x', '0001_theirs', now())"
FOREIGN = {
    "a table": "CREATE TABLE ordertrail.events (id int)",
    "a view": "CREATE VIEW ordertrail.events AS SELECT 1 AS id",
    "a function": "CREATE FUNCTION ordertrail.append() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "another program's migrations": f"{HISTORY} {THEIRS}",
    "another program's history": "CREATE TABLE ordertrail._yoyo_migration (id int)",
    "a table and no migration": f"{HISTORY} CREATE TABLE ordertrail.events (id int)",
}


@pytest.fixture(params=FOREIGN.values(), ids=list(FOREIGN))
def foreign_dsn(request: pytest.FixtureRequest, empty_dsn: str) -> str:
    run(empty_dsn, "CREATE SCHEMA ordertrail", request.param)
    return empty_dsn


@pytest.fixture
def newer_dsn(dsn: str) -> str:
    run(dsn, "INSERT INTO ordertrail._yoyo_migration VALUES ('x', '9999_from_the_future', now())")
    return dsn


@pytest.fixture
def latin_dsn(server_dsn: str) -> Iterator[str]:
    """A database in another encoding than UTF-8."""
    name = f"latin_{os.getpid()}"
    run(server_dsn, f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
    try:
        yield make_conninfo(server_dsn, dbname=name)
    finally:
        run(server_dsn, f"DROP DATABASE {name} WITH (FORCE)")


def everything(dsn: str) -> list[bytes]:
    """Return what is in a database, as pg_dump writes it, without the word that it makes up each time."""
    return [line for line in dump(dsn).splitlines() if not line.startswith((b"\\restrict", b"\\unrestrict"))]


def run(dsn: str, *statements: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


@pytest.mark.parametrize("look", [migrate, pending])
def test_a_schema_that_is_not_ours_is_left_as_it_is(foreign_dsn: str, look: Callable[[str], object]) -> None:
    before = everything(foreign_dsn)

    with pytest.raises(ForeignSchema, match="a schema ordertrail that is not ours"):
        look(foreign_dsn)

    assert everything(foreign_dsn) == before


def test_what_belongs_to_others_in_a_schema_that_is_not_ours_is_not_given_to_anybody(foreign_dsn: str) -> None:
    role = f"theirs_{os.getpid()}"
    run(foreign_dsn, f"CREATE ROLE {role}", f"ALTER SCHEMA ordertrail OWNER TO {role}")
    try:
        before = everything(foreign_dsn)

        with pytest.raises(ForeignSchema):
            migrate(foreign_dsn)

        assert everything(foreign_dsn) == before
    finally:
        run(foreign_dsn, f"REASSIGN OWNED BY {role} TO postgres", f"DROP ROLE {role}")


@pytest.mark.parametrize("look", [migrate, pending])
def test_a_schema_of_a_newer_release_is_left_as_it_is(newer_dsn: str, look: Callable[[str], object]) -> None:
    run(newer_dsn, "REVOKE ALL ON ordertrail.events FROM ordertrail_runtime")
    before = everything(newer_dsn)

    with pytest.raises(NewerSchema, match="9999_from_the_future, which this release of Ordertrail does not know"):
        look(newer_dsn)

    assert everything(newer_dsn) == before


def test_a_schema_that_somebody_made_for_us_is_used(empty_dsn: str) -> None:
    run(empty_dsn, "CREATE SCHEMA ordertrail")

    assert migrate(empty_dsn) != []


def test_a_migration_that_was_interrupted_before_the_first_is_gone_on_with(
    empty_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(migrations._Backend, "apply_one", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            migrate(empty_dsn)

    assert migrate(empty_dsn) != []


def test_a_database_in_another_encoding_is_left_as_it_is(latin_dsn: str) -> None:
    with pytest.raises(WrongEncoding, match="LATIN1; make one with CREATE DATABASE … ENCODING 'UTF8'"):
        migrate(latin_dsn)

    with psycopg.connect(latin_dsn) as connection:
        assert connection.execute("SELECT to_regnamespace('ordertrail')").fetchone() == (None,)


@pytest.mark.parametrize("command", [["migrate"], ["serve", "--port", "0"], ["tenant", "create", "acme"]])
def test_a_command_ends_with_status_2_and_one_line(
    newer_dsn: str, latin_dsn: str, empty_dsn: str, command: list[str]
) -> None:
    run(empty_dsn, "CREATE SCHEMA ordertrail", FOREIGN["a table"])

    assert_says(ordertrail(*command, "--dsn", empty_dsn), 2, "a schema ordertrail that is not ours")
    assert_says(ordertrail(*command, "--dsn", newer_dsn), 2, "9999_from_the_future")
    assert_says(ordertrail(*command, "--dsn", latin_dsn), 2, "LATIN1")


def test_the_librarys_recorder_does_not_begin_on_such_a_database(newer_dsn: str) -> None:
    factory = OrdertrailFactory({"ORDERTRAIL_DSN": newer_dsn, "ORDERTRAIL_TENANT": "acme"})

    with factory, pytest.raises(Exception, match="9999_from_the_future"):
        factory.application_recorder()


def test_what_is_wrong_with_a_database_is_one_line() -> None:
    for error in (ForeignSchema(), NewerSchema(), WrongEncoding()):
        assert isinstance(error, Misconfigured)
        assert "\n" not in str(error)
