"""A dump that is restored into another server serves after `ordertrail migrate`, however it was dumped and restored."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from infrastructure.embedded.programs import program_folder
from infrastructure.embedded.server import embedded_server
from tests.commands import ordertrail
from tests.fix_embedded import kill_postmasters, wait_until
from tests.fix_postgres import database
from tests.fix_server import running

pytestmark = pytest.mark.one_server("a dump of a cluster needs the tools of Citus")

ORDERS = "/trail/v1/orders"
OTHER = "restorer"
"""Who is no superuser, and owns what they restore."""


class Way(NamedTuple):
    """How a dump is made and restored, and by whom."""

    dump: tuple[str, ...] = ()
    restore: tuple[str, ...] | None = ()
    """None if it is plain SQL, for psql."""
    user: str = "postgres"


WAYS = {
    "as it comes": Way(("--format=custom",)),
    "without owners": Way(("--format=custom",), ("--no-owner",)),
    "without rights": Way(("--format=custom",), ("--no-acl",)),
    "without either": Way(("--format=custom",), ("--no-owner", "--no-privileges")),
    "plain": Way(restore=None),
    "plain without owners": Way(("--no-owner",), None),
    "plain without either": Way(("--no-owner", "--no-privileges"), None),
    "by somebody else": Way(("--format=custom",), ("--no-owner",), OTHER),
    "plain by somebody else": Way(("--no-owner", "--no-privileges"), None, OTHER),
}


class Source(NamedTuple):
    """A database that was in use, and what it tells over HTTP."""

    dsn: str
    token: str
    timeline: object
    order: object


@pytest.fixture(scope="module")
def source(server_dsn: str, template_name: str) -> Iterator[Source]:
    with database(server_dsn, template=template_name) as dsn:
        ordertrail("tenant", "create", "acme", "--dsn", dsn)
        key = ordertrail("key", "create", "--tenant", "acme", "--json", "--dsn", dsn)
        token = key.stdout.split('"token": "')[1].split('"')[0]
        with running(dsn) as server, client(server.url, token) as http:
            customer = {"id": "c-9", "name": "Ann Li"}
            http.post(ORDERS, json={"order_id": "A-1", "customer": customer}).raise_for_status()
            for n in range(5):
                change_status(http, f"s{n}")
            wait_until(lambda: http.get("/trail/v1/ledger/checkpoint").text.split("\n")[1:2] == ["6"])
            timeline, order = (http.get(f"{ORDERS}/A-1{path}").json() for path in ("/timeline", ""))
        yield Source(dsn, token, timeline, order)


@pytest.fixture(scope="module")
def another_server_dsn() -> Iterator[str]:
    """A server that has never heard of us."""
    with tempfile.TemporaryDirectory(prefix="ot-", dir="/tmp") as folder:
        try:
            with embedded_server(Path(folder, "data")) as dsn:
                yield dsn
        finally:
            kill_postmasters(Path(folder))


@contextmanager
def restored(source_dsn: str, server_dsn: str, way: Way, folder: Path) -> Iterator[str]:
    """Yield the DSN of a database that a dump was restored into; remove it, and the roles that came with it."""
    dump = folder / "dump"
    program("pg_dump", *way.dump, "--file", str(dump), "--dbname", source_dsn)
    with psycopg.connect(server_dsn, autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {OTHER} LOGIN CREATEROLE")
        try:
            with database(server_dsn) as fresh:
                name = make_conninfo(fresh).split("dbname=")[1].split()[0]
                admin.execute(f"ALTER DATABASE {name} OWNER TO {way.user}")
                dsn = make_conninfo(fresh, user=way.user)
                # What names roles that are not there is told as errors; the rest is restored.
                if way.restore is None:
                    program("psql", "--quiet", "--file", str(dump), "--dbname", dsn)
                else:
                    program("pg_restore", *way.restore, "--dbname", dsn, str(dump), is_whole=False)
                yield dsn
        finally:
            admin.execute("DROP ROLE IF EXISTS ordertrail_runtime")
            admin.execute(f"DROP ROLE {OTHER}")


def program(name: str, *arguments: str, is_whole: bool = True) -> None:
    command = [str(program_folder() / name), *arguments]
    subprocess.run(command, capture_output=True, check=is_whole, timeout=120)


def client(url: str, token: str) -> httpx.Client:
    return httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=30)


def change_status(http: httpx.Client, status: str) -> None:
    event = {"type": "order.status_updated", "data": {"status": status}}
    http.post(f"{ORDERS}/A-1/events", json=event).raise_for_status()


def check_that_it_serves(dsn: str, source: Source) -> None:
    """Read what was there, append to it, and prove all of it."""
    with running(dsn) as server, client(server.url, source.token) as http:
        assert http.get(f"{ORDERS}/A-1/timeline").json() == source.timeline
        assert http.get(f"{ORDERS}/A-1").json() == source.order
        assert "Ann Li" in http.get(f"{ORDERS}/A-1").text
        change_status(http, "restored")
        assert http.get(f"{ORDERS}/A-1").json()["status"] == "restored"
        wait_until(lambda: http.get("/trail/v1/ledger/checkpoint").text.split("\n")[1:2] == ["7"])
    for what, said in ((), "7 events are whole and in order"), (("--views",), "timeline is what events 1 to 7 make"):
        verified = ordertrail("verify", *what, "--tenant", "acme", "--dsn", dsn)
        assert verified.returncode == 0, verified.stdout + verified.stderr
        assert said in verified.stdout


@pytest.mark.parametrize("way", WAYS.values(), ids=list(WAYS))
def test_a_restored_dump_serves_after_a_migrate(
    source: Source, another_server_dsn: str, way: Way, tmp_path: Path
) -> None:
    with restored(source.dsn, another_server_dsn, way, tmp_path) as dsn:
        migrated, again = (ordertrail("migrate", "--dsn", dsn) for _ in range(2))

        assert (migrated.returncode, migrated.stderr) == (0, "")
        mended = migrated.stdout.splitlines()
        assert mended[0] == "The role ordertrail_runtime, which the service runs as, was missing and was made"
        assert mended[1].startswith("The rights of ordertrail_runtime were mended: ")
        assert mended[2:] == again.stdout.splitlines() == ["The database has the present schema."]
        check_that_it_serves(dsn, source)


def test_a_dump_that_was_restored_into_a_schema_of_somebody_elses_serves(
    source: Source, another_server_dsn: str, tmp_path: Path
) -> None:
    with restored(source.dsn, another_server_dsn, WAYS["without either"], tmp_path) as dsn:
        with psycopg.connect(dsn) as admin:
            admin.execute(f"ALTER SCHEMA ordertrail OWNER TO {OTHER}")

        migrated = ordertrail("migrate", "--dsn", dsn)

        assert migrated.stdout.startswith(
            f"What belonged to postgres in the schema belongs to the schema's owner now, {OTHER}\n"
        )
        check_that_it_serves(dsn, source)


def test_serve_mends_a_restored_dump_by_itself(source: Source, another_server_dsn: str, tmp_path: Path) -> None:
    with restored(source.dsn, another_server_dsn, WAYS["without either"], tmp_path) as dsn:
        check_that_it_serves(dsn, source)


def test_a_dump_that_was_restored_where_no_role_can_be_made_says_what_is_to_be_done(
    source: Source, another_server_dsn: str, tmp_path: Path
) -> None:
    with restored(source.dsn, another_server_dsn, WAYS["by somebody else"], tmp_path) as dsn:
        with psycopg.connect(another_server_dsn, autocommit=True) as admin:
            admin.execute(f"ALTER ROLE {OTHER} NOCREATEROLE")
            refused = ordertrail("migrate", "--dsn", dsn)

            assert refused.returncode == 2
            assert refused.stderr.count("\n") == 1
            hint = refused.stderr.split("Run as a superuser: ")[1].split("; and migrate")[0]
            for statement in hint.split("; "):
                admin.execute(statement.encode())

        assert ordertrail("migrate", "--dsn", dsn).returncode == 0
        check_that_it_serves(dsn, source)
