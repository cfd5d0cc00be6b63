"""What the projector is tested with: events for every view, its tables row by row, and a run that nothing disturbs."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from api import bootstrap
from application.ledger.codec import encode
from application.ledger.port import ANY, Append, EventStore, Write
from application.views.projections.catalogue import PROJECTIONS
from domain.events.event import Event
from domain.events.integration import IntegrationTied, IntegrationUntied
from domain.events.lifecycle import CommentAdded
from domain.values import TenantName
from tests.builders import a_created_event, a_moment, a_service_event, a_system_log, an_event, an_exception

VIEWS = [projection.name for projection in PROJECTIONS]
ROOT = Path(bootstrap.__file__).parent.parent
PROJECTOR = "import asyncio, sys; from api.bootstrap import run_projector; asyncio.run(run_projector(sys.argv[1]))"
AWKWARD = 'a "quoted" \\ back\\slashed\n {€} \\u0000 text'
BINARY = f"{AWKWARD} \0\1"
"""What only calls may have in them."""


def some_events(random: Random, n: int) -> list[Event]:
    """Return a few events of one order or integration; every view has rows of some of them."""
    order_id = f"{random.randrange(20)}"
    common: dict[str, Any] = {"order_id": order_id, "timestamp": a_moment(n)}
    state, service = random.choice(["success", "pending", "error"]), random.choice(["wms", "erp"])
    match random.randrange(8):
        case 0:
            return [a_created_event(**common, reference=f"ref-{n}")]
        case 1:
            return [an_event(**common, status=f"status {n}", reason=AWKWARD), an_event(**common, status="confirmed")]
        case 2:
            metadata = {"text": AWKWARD, "n": n}
            return [a_service_event(state, service, **common, description=AWKWARD, metadata=metadata)]
        case 3:
            return [a_system_log(**common, correlation_id=f"c{n}", request_url=BINARY)]
        case 4 | 5 | 6:
            integration_id = random.randrange(1, 4)
            tie = an_event(random.choice([IntegrationTied, IntegrationUntied]), **common, integration_id=integration_id)
            said = {"exception": BINARY, "request": {BINARY: BINARY}}
            exception = an_exception(integration_id, timestamp=a_moment(n), exception_type="http", **said)
            return [random.choice([tie, exception])]
        case _:
            return [an_event(CommentAdded, **common, text=f"{AWKWARD} {n}")]


async def append_events(store: EventStore, tenant: str, random: Random, *, count: int) -> None:
    """Append so many times some events to one tenant's ledger, a few appends at a time."""
    for start in range(0, count, 5):
        appends = []
        for n in range(start, min(start + 5, count)):
            events = some_events(random, n)
            write = Write(events[0].originator_id, ANY, tuple(map(encode, events)))
            appends.append(store.append(Append(TenantName(tenant), (write,))))
        await asyncio.gather(*appends)


async def tables(dsn: str) -> Mapping[str, list[str]]:
    """Return the rows of all views as text, in the order of their texts."""
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        found = {}
        for view in VIEWS:
            query = sql.SQL('SELECT v::text FROM ordertrail.{} AS v ORDER BY v::text COLLATE "C"')
            rows = await (await connection.execute(query.format(sql.Identifier(view)))).fetchall()
            found[view] = [row[0] for row in rows]
    return found


async def undisturbed(dsn: str, empty: str) -> Mapping[str, list[str]]:
    """Return the tables that one projector makes of the same ledgers in one go, in a migrated database of its own."""
    async with (
        await psycopg.AsyncConnection.connect(dsn) as source,
        await psycopg.AsyncConnection.connect(empty) as target,
    ):
        await target.execute("TRUNCATE ordertrail.installation")
        for table in ("tenants", "ledgers", "events", "subject_keys", "installation"):
            name = sql.Identifier("ordertrail", table)
            async with (
                source.cursor().copy(sql.SQL("COPY {} TO STDOUT").format(name)) as rows,
                target.cursor().copy(sql.SQL("COPY {} FROM STDIN").format(name)) as copies,
            ):
                async for row in rows:
                    await copies.write(row)
    async with bootstrap.open_projector(empty) as projector:
        for tenant in await projector.behind():
            await projector.catch_up(tenant)
    return await tables(empty)


async def lag(dsn: str) -> int:
    """Return by how many events the views of all tenants are behind, in the sum."""
    query = """
        SELECT sum(l.position - coalesce(c.position, 0))
        FROM ordertrail.ledgers AS l CROSS JOIN unnest(%s::text[]) AS p (projection)
        LEFT JOIN ordertrail.checkpoints AS c USING (tenant, projection)
    """
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        [(behind,)] = await (await connection.execute(query, [VIEWS])).fetchall()
    return int(behind)


async def caught_up(dsn: str) -> None:
    """Wait until all views have read all ledgers."""
    async with asyncio.timeout(60):
        while await lag(dsn):  # noqa: ASYNC110 another process catches up
            await asyncio.sleep(0.02)


@contextmanager
def running_projector(dsn: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a projector as a process of its own; end it with SIGKILL."""
    named = make_conninfo(dsn, application_name="projector")
    with subprocess.Popen([sys.executable, "-c", PROJECTOR, named], cwd=ROOT) as process:
        try:
            yield process
        finally:
            process.kill()
