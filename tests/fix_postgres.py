"""Databases: on an embedded server of this test process, and on PostgreSQL 15, the oldest release we run on."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from api.bootstrap import set_up_database
from api.settings import read_settings
from infrastructure.embedded.server import embedded_server
from infrastructure.setup.migrations import migrate
from tests.cluster import COORDINATOR, close, database_on_cluster, tidy_up

# Where the packages of Debian, of Red Hat and of Homebrew put it.
POSTGRES_15_FOLDERS = ("/usr/lib/postgresql/15/bin", "/usr/pgsql-15/bin", "/opt/homebrew/opt/postgresql@15/bin")

TOLD = {"ORDERTRAIL_ALLOW_UNSAFE_SERVER": "true"}
"""What programs are told that start on the servers of the tests: most of these do not wait for the disk."""

SHAPE = None if COORDINATOR is None else lambda *_: None
"""What migrate is given for the shape that the tests run on: one server, or a cluster."""

_numbers = count(1)


@pytest.fixture(scope="session", autouse=True)
def unsafe_servers_are_allowed() -> None:
    """Tell whatever the tests start."""
    os.environ.update(TOLD)


@pytest.fixture(scope="session")
def server_dsn() -> Iterator[str]:
    """An embedded server, or the cluster that the tests are to run on, for databases that a test creates and drops."""
    if COORDINATOR is not None:
        yield COORDINATOR
        tidy_up(COORDINATOR)
        return
    with _short_folder() as folder:
        with embedded_server(folder) as dsn:
            # What a power failure would do is not what these databases test.
            _run(dsn, "ALTER SYSTEM SET fsync = off")
            # Several servers with two workers may live at the same time.
            _run(dsn, "ALTER SYSTEM SET max_connections = 300")
        with embedded_server(folder) as dsn:
            yield dsn


@pytest.fixture(scope="session")
def template_name(server_dsn: str) -> Iterator[str]:
    """A migrated database that nobody is connected to."""
    with database(server_dsn) as dsn:
        migrate(dsn, show=SHAPE)
        name = str(conninfo_to_dict(dsn)["dbname"])
        if COORDINATOR is not None:
            close(server_dsn, name)
        yield name


@pytest.fixture
def dsn(server_dsn: str, template_name: str) -> Iterator[str]:
    """A database of the test's own that is set up."""
    with database(server_dsn, template=template_name) as fresh:
        set_up_database(fresh, read_settings())
        yield fresh


@pytest.fixture
def empty_dsn(server_dsn: str) -> Iterator[str]:
    """A database of the test's own that knows nothing of us."""
    with database(server_dsn) as fresh:
        yield fresh


@pytest.fixture(scope="session")
def postgres15_server_dsn() -> Iterator[str]:
    """A server of the oldest release we run on."""
    user = "postgres" if os.geteuid() == 0 else None
    with _short_folder() as folder:
        pgdata = folder / "data"
        if user:
            os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
        _postgres15(user, "initdb", "-D", pgdata, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-sync")
        options = f"-h '' -p 5432 -k {folder} -F"
        _postgres15(user, "pg_ctl", "-D", pgdata, "-w", "-t", "120", "-l", folder / "log", "-o", options, "start")
        try:
            yield f"postgresql://postgres@/postgres?host={quote(str(folder), safe='')}&port=5432"
        finally:
            _postgres15(user, "pg_ctl", "-D", pgdata, "-w", "-m", "immediate", "stop")


@pytest.fixture(scope="session")
def postgres15_dsn(postgres15_server_dsn: str) -> Iterator[str]:
    """A migrated database on PostgreSQL 15, shared by the tests."""
    with database(postgres15_server_dsn) as fresh:
        migrate(fresh)
        yield fresh


@pytest.fixture(params=["server_dsn", "postgres15_server_dsn"], ids=["embedded", "postgres15"])
def any_server_dsn(request: pytest.FixtureRequest) -> str:
    """Each of the servers in turn."""
    dsn: str = request.getfixturevalue(request.param)
    return dsn


@pytest.fixture
def any_empty_dsn(any_server_dsn: str) -> Iterator[str]:
    """A database that knows nothing of us, on each of the servers in turn."""
    with database(any_server_dsn) as fresh:
        yield fresh


@contextmanager
def database(server_dsn: str, *, template: str | None = None) -> Iterator[str]:
    """Create a database on a server or a cluster, yield its DSN, and drop it with whoever is still connected."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    make = database_on_cluster if server_dsn == COORDINATOR else _database
    with make(server_dsn, name, template=template):
        yield make_conninfo(server_dsn, dbname=name)


@contextmanager
def _database(server_dsn: str, name: str, *, template: str | None) -> Iterator[None]:
    create = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
    _run(server_dsn, create.format(sql.Identifier(name), sql.Identifier(template or "template1")))
    try:
        yield
    finally:
        _run(server_dsn, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def _short_folder() -> Iterator[Path]:
    """A folder whose name leaves room for a socket's."""
    folder = Path(tempfile.mkdtemp(prefix="ot-", dir="/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _run(dsn: str, statement: str | sql.Composed) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(statement)


def _postgres15(user: str | None, program: str, *arguments: object) -> None:
    found = [folder for folder in POSTGRES_15_FOLDERS if Path(folder, program).exists()]
    assert found, f"These tests need {program} of PostgreSQL 15; install it with: apt-get install postgresql-15"
    # No pipes: the server would hold them open for as long as it runs.
    command = [f"{found[0]}/{program}", *map(str, arguments)]
    subprocess.run(command, check=True, user=user, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
