"""Which servers are read from as standbys: only copies of the primary that follow it."""

from collections.abc import Iterator

import psycopg
import pytest

from domain.errors import Unavailable
from infrastructure.postgres.database import open_pool, reading
from infrastructure.postgres.standby import look_at_standby
from tests.fix_postgres import database
from tests.standby import opened, until


@pytest.fixture
def another_dsn(server_dsn: str) -> Iterator[str]:
    with database(server_dsn) as dsn:
        yield dsn


async def test_another_installation_is_refused(dsn: str, postgres15_dsn: str) -> None:
    async with opened(dsn, postgres15_dsn) as standby:
        await until(standby, "another installation")

        with pytest.raises(Unavailable, match="another installation"):
            async with reading(standby.pool):
                pass
    async with open_pool(dsn, size=1) as pool:
        assert "another installation" in str((await look_at_standby(postgres15_dsn, pool)).why_not)


async def test_another_database_of_the_server_and_the_primary_itself_are_refused(dsn: str, another_dsn: str) -> None:
    async with opened(dsn, another_dsn) as standby:
        await until(standby, "another database")
    async with opened(dsn, dsn) as standby:
        await until(standby, "no standby")


async def test_a_server_that_is_away_or_lets_nobody_in_is_no_error(dsn: str) -> None:
    for wrong, words in (
        ("postgresql://nobody@127.0.0.1:1/ordertrail", "reached"),
        (psycopg.conninfo.make_conninfo(dsn, dbname="no_such"), "does not exist"),
    ):
        async with opened(dsn, wrong) as standby:
            await until(standby, words)
        async with open_pool(dsn, size=1) as pool:
            assert (await look_at_standby(wrong, pool)).why_not
