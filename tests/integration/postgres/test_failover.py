"""A DSN of several servers: when the one that took writes takes none any more, the one that does is found."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from application.ledger.port import ANY, Append, Write
from domain.errors import Unavailable
from domain.values import TenantName
from infrastructure.ledger.group_commit import open_group_commit
from infrastructure.postgres.database import open_pool, reading, watching_database
from infrastructure.setup.migrations import migrate
from tests.fix_embedded import run, wait_until
from tests.fix_postgres import database
from tests.fix_store import new_event
from tests.outage import Postgres, postgres_in

TENANT = TenantName("acme")
WHICH = "SELECT current_setting('server_version_num')::int / 10000"


@pytest.fixture
def first(data_dir: Path) -> Iterator[Postgres]:
    with postgres_in(data_dir) as server:
        yield server


@pytest.fixture
def second_dsn(postgres15_server_dsn: str) -> Iterator[str]:
    with database(postgres15_server_dsn) as dsn:
        migrate(dsn)
        yield dsn


def dsn_of_both(first: str, second: str) -> str:
    one, other = conninfo_to_dict(first), conninfo_to_dict(second)
    hosts = ",".join(quote(str(parameters["host"]), safe="") for parameters in (one, other))
    names = f"{one['dbname']}"
    return f"postgresql://postgres@/{names}?host={hosts}&port={one['port']},{other['port']}&target_session_attrs=read-write"


async def test_the_server_that_takes_writes_is_found(first: Postgres, second_dsn: str) -> None:
    name = str(conninfo_to_dict(second_dsn)["dbname"])
    run(first.dsn, f"CREATE DATABASE {name} TEMPLATE template0")
    first_dsn = first.dsn.replace("/ordertrail?", f"/{name}?")
    migrate(first_dsn)
    for dsn in (first_dsn, second_dsn):
        run(dsn, f"INSERT INTO ordertrail.tenants (tenant) VALUES ('{TENANT}')")
        run(dsn, f"INSERT INTO ordertrail.ledgers (tenant) VALUES ('{TENANT}')")
    both = dsn_of_both(first_dsn, second_dsn)

    async with (
        watching_database(both) as watch,
        open_pool(both, size=1, watch=watch) as pool,
        open_group_commit(both, writers=1, watch=watch) as writer,
        asyncio.timeout(60),
    ):

        async def append(event_id: str) -> None:
            await writer.append(Append(TENANT, (Write("order-1", ANY, (new_event(event_id),)),)))

        async def release() -> int:
            async with reading(pool) as connection:
                row = await (await connection.execute(WHICH)).fetchone()
            assert row is not None
            return int(row[0])

        await append("to the first")
        assert await release() == 18
        first.configure("default_transaction_read_only = on")
        await asyncio.to_thread(until_read_only, first_dsn)
        # None is refused if the watch is quicker than the append.
        refused = await anyhow(lambda: append("to the second"))
        assert all("takes no writes" in str(error) for error in refused)
        # Reads go where writes go, rather than to a server that nobody tells of them.
        while await release() != 15:  # noqa: ASYNC110 what is waited for is the watch
            await asyncio.sleep(0.01)

    first.configure(None)
    assert _ids(first_dsn) == ["to the first"]
    assert _ids(second_dsn) == ["to the second"]


def until_read_only(dsn: str) -> None:
    """Wait until a server has read its configuration again."""

    def is_read_only() -> bool:
        with psycopg.connect(dsn) as connection:
            return connection.execute("SHOW default_transaction_read_only").fetchone() == ("on",)

    wait_until(is_read_only)


async def anyhow(write: Callable[[], Awaitable[None]]) -> list[Unavailable]:
    """Write until it succeeds, and return what it failed with until then."""
    refused: list[Unavailable] = []
    while True:
        try:
            await write()
        except Unavailable as error:
            refused.append(error)
            await asyncio.sleep(0.01)
        else:
            return refused


def _ids(dsn: str) -> list[str]:
    with psycopg.connect(dsn) as connection:
        return [row[0] for row in connection.execute("SELECT event_id FROM ordertrail.events ORDER BY position")]
