"""`ordertrail serve` as it starts: a database that is not there is waited for; one that is not ours to use ends it."""

import base64
import os
import secrets
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import httpx
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from api.bootstrap import set_up_database
from api.server.kept_process import TRIES
from api.settings import read_settings
from infrastructure.embedded.server import embedded_server
from tests.fix_embedded import is_up, run, wait_until
from tests.fix_postgres import _postgres15
from tests.fix_server import ORDERTRAIL
from tests.outage import Postgres, assert_is_back, assert_refused, new_token, postgres_in, read, served, timed, write
from tests.proxy import open_proxy


@pytest.fixture
def postgres(data_dir: Path) -> Iterator[Postgres]:
    with postgres_in(data_dir) as server:
        yield server


def assert_waits(http: httpx.Client) -> None:
    """Assert that the process answers, and that whatever needs the database is refused soon."""
    assert http.get("/healthz").status_code == 200
    for send in (read, write, lambda http: http.get("/readyz")):
        assert_refused(*timed(lambda send=send: send(http)))


def test_a_database_that_is_not_there_yet_is_waited_for(postgres: Postgres) -> None:
    token = new_token(postgres.dsn)
    postgres.crash()

    with served("--dsn", postgres.dsn, token=token) as server, server.client() as http:
        until = time.monotonic() + 4
        while time.monotonic() < until:
            assert_waits(http)
        postgres.start()
        assert_is_back(http)
        wait_until(lambda: bool(server.told("The database is there after")))
        wait_until(lambda: http.get("/readyz").status_code == 200)

        assert len(server.told("The database is waited for")) in {1, 2}

        # Once it has served it does not give up, though it began without a database.
        for n in range(1, TRIES + 2):
            server.child("projector").kill()
            wait_until(lambda n=n: len(server.told("projector process ended with")) == n)
        server.child("projector")
        assert write(http).status_code == 201
        assert server.process.is_running()


async def test_a_database_that_accepts_and_does_not_answer_is_waited_for(dsn: str) -> None:
    async with open_proxy(dsn) as proxy:
        proxy.fall_silent()
        with served("--dsn", proxy.dsn, "--port", 0) as server:
            async with httpx.AsyncClient(base_url=server.url, timeout=25) as http:
                for _ in range(3):
                    assert (await http.get("/healthz")).status_code == 200
                    answer = await http.get("/readyz")
                    assert_refused(answer, answer.elapsed.total_seconds())
                proxy.speak()
                began = time.monotonic()
                while (await http.get("/readyz")).status_code != 200:
                    assert time.monotonic() - began < 60


def test_an_embedded_database_that_cannot_start_is_tried_again(data_dir: Path) -> None:
    with embedded_server(data_dir) as dsn:
        set_up_database(dsn, read_settings())
        token = new_token(dsn)
    # As if its disk were full: PostgreSQL ends as soon as it is started, and says why in its log.
    control, aside = data_dir / "postgres" / "global" / "pg_control", data_dir / "aside"
    control.rename(aside)

    with served("--data-dir", data_dir, token=token) as server, server.client() as http:
        wait_until(lambda: len((data_dir / "postgres" / "log").read_text().split("pg_control")) > 3)
        assert_waits(http)
        [line] = server.told("The database is waited for")
        assert "PostgreSQL does not start in" in line
        assert "could not find the database system" in line or "pg_control" in line
        aside.rename(control)
        wait_until(lambda: write(http).status_code == 201)

        # So it is while it serves.
        postgres = Postgres(data_dir, dsn)
        control.rename(aside)
        postgres.crash()
        wait_until(lambda: bool(server.told("Our PostgreSQL has ended; it is started again")))
        wait_until(lambda: len(server.told("PostgreSQL does not start in")) > 1)
        assert_waits(http)
        aside.rename(control)
        wait_until(lambda: write(http).status_code == 201)
    assert server.process.returncode == 0
    assert not is_up(data_dir)


@pytest.fixture
def standby(postgres15_server_dsn: str) -> Iterator[tuple[str, Callable[[], None]]]:
    """A server that follows another one, by the folder of its socket, and what promotes it."""
    given = conninfo_to_dict(postgres15_server_dsn)
    primary, port = str(given["host"]), str(given["port"])
    folder = Path(primary, "standby")
    user = "postgres" if os.geteuid() == 0 else None
    copy = ["pg_basebackup", "-D", folder, "-h", primary, "-p", port, "-U", "postgres", "-R", "-c", "fast", "--no-sync"]
    _postgres15(user, *copy)
    options = f"-h '' -p {port} -k {folder} -F"
    _postgres15(user, "pg_ctl", "-D", folder, "-w", "-t", "120", "-l", folder / "log", "-o", options, "start")
    try:
        yield str(folder), lambda: _postgres15(user, "pg_ctl", "-D", folder, "-w", "promote")
    finally:
        _postgres15(user, "pg_ctl", "-D", folder, "-w", "-m", "immediate", "stop")


def test_a_standby_is_read_from_the_start_and_written_once_it_is_promoted(
    postgres15_dsn: str, request: pytest.FixtureRequest
) -> None:
    set_up_database(postgres15_dsn, read_settings())
    token = new_token(postgres15_dsn)
    with served("--dsn", postgres15_dsn, token=token) as server, server.client() as http:
        assert write(http).status_code == 201
        wait_until(lambda: read(http).status_code == 200)
    folder, promote = request.getfixturevalue("standby")

    with served("--dsn", make_conninfo(postgres15_dsn, host=folder), token=token) as server, server.client() as http:
        assert read(http).status_code == 200
        answer, seconds = timed(lambda: write(http))
        assert_refused(answer, seconds)
        assert "takes no writes at the moment: it is a standby" in answer.json()["detail"]
        promote()
        assert_is_back(http)


def serve(*arguments: object, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run `ordertrail serve`, which is to end by itself."""
    command = [str(ORDERTRAIL), "serve", "--port", "0", *map(str, arguments)]
    environment = {**os.environ, **settings}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def assert_ends(result: subprocess.CompletedProcess[str], words: str) -> None:
    """Assert that it ended with status 2 and one line with these words."""
    assert result.returncode == 2, result.stderr
    assert result.stderr.startswith("ordertrail: "), result.stderr
    assert result.stderr.count("\n") == 1, result.stderr
    assert words in result.stderr
    assert result.stdout == ""


def test_a_wrong_password_ends_it(postgres: Postgres) -> None:
    run(postgres.dsn, "CREATE ROLE shop LOGIN PASSWORD 'right'")
    rules = postgres.data_dir / "postgres" / "pg_hba.conf"
    rules.write_text("local all shop scram-sha-256\n" + rules.read_text())
    run(postgres.dsn, "SELECT pg_reload_conf()")
    wait_until(lambda: _is_refused(make_conninfo(postgres.dsn, user="shop", password="wrong")))

    result = serve("--dsn", make_conninfo(postgres.dsn, user="shop", password="wrong"))

    assert_ends(result, "password authentication failed")
    assert "wrong" not in result.stderr
    assert_ends(serve("--dsn", make_conninfo(postgres.dsn, user="nobody")), 'role "nobody" does not exist')


def _is_refused(dsn: str) -> bool:
    try:
        psycopg.connect(dsn).close()
    except psycopg.OperationalError:
        return True
    return False


def test_a_database_that_does_not_exist_ends_it(server_dsn: str) -> None:
    assert_ends(serve("--dsn", make_conninfo(server_dsn, dbname="nowhere")), 'database "nowhere" does not exist')


def test_a_schema_that_is_not_ours_ends_it(empty_dsn: str) -> None:
    run(empty_dsn, "CREATE SCHEMA ordertrail CREATE TABLE events (id int)")

    assert_ends(serve("--dsn", empty_dsn), "a schema ordertrail that is not ours")
    assert run(empty_dsn, "SELECT count(*) FROM pg_tables WHERE schemaname = 'ordertrail'") == [(1,)]


def test_a_schema_of_a_later_release_ends_it(dsn: str) -> None:
    run(dsn, "INSERT INTO ordertrail._yoyo_migration SELECT 'x', '9999_later', now() FROM generate_series(1, 1)")

    assert_ends(serve("--dsn", dsn), "9999_later, which this release of Ordertrail does not know")


def test_another_installation_key_than_the_first_ends_it(empty_dsn: str) -> None:
    first, second = (base64.b64encode(secrets.token_bytes(32)).decode() for _ in range(2))
    with served("--dsn", empty_dsn, ORDERTRAIL_INSTALLATION_KEY=first):
        pass

    assert_ends(serve("--dsn", empty_dsn, ORDERTRAIL_INSTALLATION_KEY=second), "The installation key is not the one")


def test_a_store_of_bodies_that_cannot_be_opened_ends_it(dsn: str) -> None:
    result = serve("--dsn", dsn, ORDERTRAIL_BODIES_URL="file:///proc/bodies")

    assert_ends(result, "ORDERTRAIL_BODIES_URL cannot be opened")


def test_a_data_directory_of_another_release_ends_it(data_dir: Path) -> None:
    (data_dir / "postgres" / "PG_VERSION").write_text("16\n")

    assert_ends(serve("--data-dir", data_dir), "was made by PostgreSQL 16")


def test_a_server_that_listens_to_nobody_is_waited_for_and_told_to_leave(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as nobody:
        dsn = f"postgresql://u:secret@127.0.0.1:{nobody.getsockname()[1]}/d"
    with served("--dsn", dsn) as server:
        assert httpx.get(f"{server.url}/healthz").status_code == 200
        began = time.monotonic()
        server.process.terminate()
        assert server.process.wait(30) == 0
        assert time.monotonic() - began < 20
        assert "secret" not in server.log
