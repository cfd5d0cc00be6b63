"""The embedded PostgreSQL: runs while it has users, stops with the last, spoils nothing that is not its own."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Event

import pytest

from infrastructure.embedded import server as embedded
from infrastructure.embedded.errors import EmbeddedServerError
from infrastructure.embedded.server import embedded_server
from tests.fix_embedded import HOLDER, is_up, reap, run, spawn


def test_it_makes_its_directory_runs_and_stops_with_its_only_user(new_dir: Path) -> None:
    data_dir = new_dir / "with" / "parents"

    with embedded_server(data_dir) as dsn:
        assert dsn.startswith("postgresql://postgres@/ordertrail?host=")
        assert run(dsn, "SELECT current_database(), inet_server_addr()") == [("ordertrail", None)]
        assert is_up(data_dir)

    assert not is_up(data_dir)
    assert not list(data_dir.rglob("postmaster.pid"))


def test_it_keeps_its_rows_and_its_durability_settings(data_dir: Path) -> None:
    with embedded_server(data_dir) as dsn:
        run(dsn, "CREATE TABLE numbers AS SELECT 1 AS n")

    with embedded_server(data_dir) as dsn:
        assert run(dsn, "SELECT n FROM numbers") == [(1,)]
        for setting in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums"):
            assert run(dsn, f"SHOW {setting}") == [("on",)]


def test_an_error_of_its_user_stops_it_as_well(data_dir: Path) -> None:
    with pytest.raises(ZeroDivisionError), embedded_server(data_dir):
        raise ZeroDivisionError

    assert not is_up(data_dir)


def test_the_first_of_two_users_to_leave_does_not_stop_it(data_dir: Path) -> None:
    other = spawn(HOLDER, data_dir)
    try:
        theirs = other.stdout.readline().strip() if other.stdout else ""
        with embedded_server(data_dir) as ours:
            assert ours == theirs
        assert is_up(data_dir)
        assert run(theirs, "SELECT 1") == [(1,)]

        with embedded_server(data_dir) as ours:
            other.communicate(timeout=60)
            assert other.returncode == 0
            assert run(ours, "SELECT 1") == [(1,)]
    finally:
        reap(other)

    assert not is_up(data_dir)


def test_users_may_come_and_go_at_the_same_time(new_dir: Path) -> None:
    barrier = Barrier(4)

    def come_and_go(_: int) -> None:
        for _ in range(3):
            barrier.wait(timeout=120)
            with embedded_server(new_dir) as dsn:
                assert run(dsn, "SELECT 1") == [(1,)]

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(come_and_go, range(4)))

    assert not is_up(new_dir)


def test_who_starts_while_the_last_one_stops_waits_for_it(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stopping, may_stop = Event(), Event()
    stop = embedded._stop

    def slow_stop(folder: Path) -> None:
        stopping.set()
        assert may_stop.wait(60)
        stop(folder)

    def use() -> list[tuple[int]]:
        with embedded_server(data_dir) as dsn:
            rows: list[tuple[int]] = run(dsn, "SELECT 1")
            return rows

    monkeypatch.setattr(embedded, "_stop", slow_stop)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(use)
        assert stopping.wait(60)
        second = pool.submit(use)
        assert not second.done()
        may_stop.set()

        assert first.result(60) == second.result(60) == [(1,)]
    assert not is_up(data_dir)


@pytest.mark.parametrize("name", ["d" * 150, "with space, comma and 'quote'", "größe"])
def test_any_path_will_do(new_dir: Path, name: str) -> None:
    with embedded_server(new_dir / name) as dsn:
        assert run(dsn, "SELECT current_database()") == [("ordertrail",)]

    assert not is_up(new_dir / name)


def test_a_directory_with_somebody_elses_files_is_left_alone(new_dir: Path) -> None:
    new_dir.mkdir()
    (new_dir / "thesis.txt").write_text("precious")

    with pytest.raises(EmbeddedServerError, match="holds files that are not Ordertrail's; choose a new or an empty"):
        embedded_server(new_dir).__enter__()

    assert [path.name for path in new_dir.iterdir()] == ["thesis.txt"]


def test_a_database_of_another_release_of_postgresql_is_left_alone(data_dir: Path) -> None:
    (data_dir / "postgres" / "PG_VERSION").write_text("16\n")

    with pytest.raises(EmbeddedServerError, match="was made by PostgreSQL 16 and this release of Ordertrail runs 18"):
        embedded_server(data_dir).__enter__()


def test_a_path_that_cannot_be_a_directory_is_refused(new_dir: Path) -> None:
    new_dir.write_text("a file")

    for path in (new_dir, new_dir / "below"):
        with pytest.raises(EmbeddedServerError, match=f"Cannot write to the data directory {path}"):
            embedded_server(path).__enter__()


def test_a_server_that_does_not_start_says_where_to_look(data_dir: Path) -> None:
    with (data_dir / "postgres" / "postgresql.conf").open("a") as settings:
        settings.write("\nshared_buffers = nonsense\n")

    with pytest.raises(EmbeddedServerError, match=r"PostgreSQL does not start in .*; .*/log says why"):
        embedded_server(data_dir).__enter__()
