"""What is answered is durable, whatever the database, the role and the server have as their defaults."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from operator import eq
from typing import LiteralString

import psycopg
import pytest
from eventsourcing.persistence import StoredEvent
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from application.ledger.port import ANY, Append, Write
from domain.values import TenantName
from infrastructure.ledger.group_commit import GroupCommit, open_group_commit
from infrastructure.library import OrdertrailFactory
from infrastructure.postgres.database import Connection, connect, open_pool
from infrastructure.setup.migrations import migrate
from infrastructure.setup.owner_session import UnsafeServer, owner_session, refuse_unsafe_server
from tests.fix_postgres import database
from tests.fix_store import new_event

ACME = TenantName("acme")
SHOW = "SHOW synchronous_commit"
RELOADED = "SELECT pg_conf_load_time()"
IN_ONE_TRANSACTION = """
    SELECT out_position FROM ordertrail.append_alone('acme', 'order-1', -2, %s, 't', ''::bytea, ''::bytea, now())
"""
IN_A_GROUP = """
    SELECT first_position FROM ordertrail.append_group(
        'acme', NULL, ARRAY[NULL::bytea], ARRAY[1], ARRAY['order-1'], ARRAY[-2], ARRAY[1], ARRAY[0], ARRAY[0],
        ARRAY[1], ARRAY['order-1'], ARRAY[%s], ARRAY['t'], ARRAY[''::bytea], ARRAY[''::bytea], ARRAY[now()]
    )
"""


@pytest.fixture
def acme_dsn(any_server_dsn: str) -> Iterator[str]:
    """A database with a tenant, on each of the servers in turn."""
    with database(any_server_dsn) as dsn:
        migrate(dsn)
        run(dsn, "INSERT INTO ordertrail.tenants (tenant) VALUES ('acme')")
        run(dsn, "INSERT INTO ordertrail.ledgers (tenant) VALUES ('acme')")
        yield dsn


def run(dsn: str, statement: str | sql.Composed) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(statement)


def set_default(dsn: str, value: str, *, of: str) -> None:
    """Make a weaker or stronger commit the default of a database, or of the role in it that we connect as."""
    name = sql.Identifier(conninfo_to_dict(dsn)["dbname"])
    alter = {
        "database": sql.SQL("ALTER DATABASE {} SET synchronous_commit = {}"),
        "role": sql.SQL("ALTER ROLE postgres IN DATABASE {} SET synchronous_commit = {}"),
    }
    run(dsn, alter[of].format(name, value))


@asynccontextmanager
async def opened_writer(dsn: str) -> AsyncIterator[GroupCommit]:
    """Open a writer that can be told from other sessions."""
    async with open_group_commit(make_conninfo(dsn, application_name="writer"), writers=1) as writer:
        yield writer


async def append(writer: GroupCommit) -> None:
    await writer.append(Append(ACME, (Write("order-1", ANY, (new_event(),)),)))


async def asked_for_by_the_writer(monkeypatch: pytest.MonkeyPatch, dsn: str) -> str:
    """Append, and return what the writer's own session is set to afterwards."""
    sessions: list[Connection] = []

    async def seen(*arguments: object, **settings: object) -> Connection:
        sessions.append(await connect(*arguments, **settings))  # type: ignore[arg-type]
        return sessions[-1]

    monkeypatch.setattr("infrastructure.ledger.append_writer.connect", seen)
    async with opened_writer(dsn) as writer:
        await append(writer)
        return await shown(sessions[-1], SHOW)


async def shown(session: Connection, query: LiteralString) -> str:
    [(value,)] = await (await session.execute(query)).fetchall()
    return str(value)


@pytest.mark.parametrize("of", ["database", "role"])
@pytest.mark.parametrize("default", ["off", "local", "remote_write"])
async def test_an_append_asks_for_a_durable_commit_where_the_default_is_a_weaker_one(
    monkeypatch: pytest.MonkeyPatch, acme_dsn: str, of: str, default: str
) -> None:
    set_default(acme_dsn, default, of=of)

    assert await asked_for_by_the_writer(monkeypatch, acme_dsn) == "on"


async def test_a_stronger_commit_stays_what_it_is(monkeypatch: pytest.MonkeyPatch, acme_dsn: str) -> None:
    set_default(acme_dsn, "remote_apply", of="database")

    assert await asked_for_by_the_writer(monkeypatch, acme_dsn) == "remote_apply"


async def test_a_session_stays_durable_when_the_servers_default_is_weakened_while_it_is_open(
    any_server_dsn: str, acme_dsn: str
) -> None:
    async with open_pool(acme_dsn, size=1) as pool, pool.connection() as reader, await connect(acme_dsn) as writer:
        sessions = (reader, writer)
        before = [await shown(session, RELOADED) for session in sessions]
        try:
            run(any_server_dsn, "ALTER SYSTEM SET synchronous_commit = off")
            run(any_server_dsn, "SELECT pg_reload_conf()")
            while any(map(eq, before, [await shown(session, RELOADED) for session in sessions])):
                pass

            assert [await shown(session, SHOW) for session in sessions] == ["on", "on"]
        finally:
            run(any_server_dsn, "ALTER SYSTEM RESET synchronous_commit")
            run(any_server_dsn, "SELECT pg_reload_conf()")


@pytest.mark.parametrize("call", [IN_ONE_TRANSACTION, IN_A_GROUP], ids=["alone", "group"])
@pytest.mark.parametrize(("set_to", "asked"), [("off", "on"), ("local", "on"), ("remote_apply", "remote_apply")])
def test_the_append_itself_asks_whatever_its_session_is_set_to(
    acme_dsn: str, call: str, set_to: str, asked: str
) -> None:
    with psycopg.connect(acme_dsn) as session:
        session.execute(sql.SQL("SET synchronous_commit = {}").format(set_to))

        assert session.execute(call, ["event-1"]).fetchall() == [(1,)]

        # Still in the same transaction, whose commit it is about.
        assert session.execute(SHOW).fetchall() == [(asked,)]
        session.commit()
        assert session.execute(SHOW).fetchall() == [(set_to,)]


def test_the_librarys_recorder_asks_for_durable_commits(acme_dsn: str) -> None:
    set_default(acme_dsn, "off", of="database")

    with OrdertrailFactory({"ORDERTRAIL_DSN": acme_dsn, "ORDERTRAIL_TENANT": "acme"}) as factory:
        recorder = factory.application_recorder()
        recorder.insert_events([StoredEvent("order-1", 1, "t", b"{}")])
        [(value,)] = recorder._database.fetch(b"SHOW synchronous_commit")  # type: ignore[attr-defined]

    assert value == "on"


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes"])
def test_a_server_that_may_lose_what_it_confirmed_is_refused(server_dsn: str, setting: str) -> None:
    others = {"fsync", "full_page_writes"} - {setting}
    try:
        run(server_dsn, sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(setting)))
        for other in others:
            run(server_dsn, sql.SQL("ALTER SYSTEM SET {} = on").format(sql.Identifier(other)))
        run(server_dsn, "SELECT pg_reload_conf()")
        with owner_session(server_dsn) as session:
            while session.execute(sql.SQL("SHOW {}").format(sql.Identifier(setting))).fetchall() != [("off",)]:
                pass

            with pytest.raises(UnsafeServer, match=f"{setting} = off.*ORDERTRAIL_ALLOW_UNSAFE_SERVER") as refusal:
                refuse_unsafe_server(session)
        assert "\n" not in str(refusal.value)
        assert not any(other in str(refusal.value) for other in others)
    finally:
        run(server_dsn, "ALTER SYSTEM SET fsync = off")
        run(server_dsn, "ALTER SYSTEM RESET full_page_writes")
        run(server_dsn, "SELECT pg_reload_conf()")
