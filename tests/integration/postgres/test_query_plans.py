"""However large the tables are, each statement reads what it is asked for, by indexes."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import PurePath
from typing import Any, NamedTuple

import psycopg
import pytest
from psycopg.adapt import Transformer
from psycopg.pq import Format

from benchmarks.large_ledger import generate
from infrastructure.postgres.arrays import Array
from infrastructure.postgres.statements import statements
from infrastructure.setup.migrations import migrate
from infrastructure.views.composed import statements as composed_statements
from tests.fix_postgres import database
from tests.statement_parameters import PARAMETERS
from tests.statement_parameters_delivery import MORE as MORE_OF_DELIVERY

pytestmark = pytest.mark.one_server("it counts what one server reads")

SMALL = {
    "webhooks",
    "retention",
    "tenants",
    "ledgers",
    "checkpoints",
    "editions",
    "installation",
    "trees",
    "signing_keys",
    "deleted_tenants",
}
"""A tenant has a few rows in these at most."""
COUNTS = ("seq_scan", "rows")
LARGE = {"acme": 125_000, "globex": 25_000, "initech": 25_000}
"""One tenant has most of what there is, and each is asked about."""
FILES = {PurePath(file.name).stem for file in files("infrastructure").joinpath("sql").iterdir() if file.is_file()}
WHOLE_VIEWS = {"side_views"}
OF_WHOLE_VIEWS = {"digests", *(f"{name}_beside" for name in ("digests", "objects", "rows"))}
"""What compares or replaces views may read all of them."""
WHOLE_LEDGER = {("transparency", name) for name in ("first_broken_stream", "kept_tree", "remove_stray_tiles")}
"""What verifies or repairs a ledger may read all of it."""
WHOLE_TENANT = {("tenant_deletion", name) for name in statements("tenant_deletion") if name.startswith("delete_")}
"""What deletes a tenant deletes all of it."""
WHOLE_INSTALLATION = {("health", "consumers"), ("health", "held_streams"), ("webhooks", "all"), ("webhooks", "due")}
"""What is about the consumers and webhooks of all tenants may read all of these."""
OF_NO_TENANT = {"distribution", "session", "setup", "rights", "checkup", "standby"}
"""What sets up sessions and databases is about no rows of tenants."""
STATEMENTS = [(file, name) for file in sorted(FILES - WHOLE_VIEWS - OF_NO_TENANT) for name in statements(file)]
STATEMENTS = [
    statement for statement in STATEMENTS if statement not in WHOLE_LEDGER | WHOLE_TENANT | WHOLE_INSTALLATION
]
COMPOSED = composed_statements()
STATEMENTS += [("composed", name) for name in COMPOSED if name.rpartition(".")[2] not in OF_WHOLE_VIEWS]

MORE = """
INSERT INTO ordertrail.subject_keys (tenant, subject, wrapped)
SELECT l.tenant, 'order-A-' || n, '' FROM ordertrail.ledgers AS l, generate_series(1, 20000) AS n;

INSERT INTO ordertrail.trees (tenant, size) SELECT tenant, position FROM ordertrail.ledgers;

INSERT INTO ordertrail.tiles
SELECT l.tenant, 0, n, '' FROM ordertrail.ledgers AS l, generate_series(1, 5000) AS n;

INSERT INTO ordertrail.tree_heads (tenant, size, note)
SELECT l.tenant, n * 10, '' FROM ordertrail.ledgers AS l, generate_series(1, 5000) AS n;

INSERT INTO ordertrail.bodies
SELECT l.tenant, n::text::bytea, 'order-A-' || n, '' FROM ordertrail.ledgers AS l, generate_series(1, 5000) AS n;

INSERT INTO ordertrail.credentials (tenant, key_id, secret_digest, scopes, name)
SELECT l.tenant, l.tenant || '-' || n, '', '{admin}', '' FROM ordertrail.ledgers AS l, generate_series(1, 5000) AS n;

INSERT INTO ordertrail.spent_tokens
SELECT l.tenant, n::text::bytea, now() FROM ordertrail.ledgers AS l, generate_series(1, 5000) AS n;

INSERT INTO ordertrail.snapshots
SELECT l.tenant, 'order-A-' || n, 1, '', '' FROM ordertrail.ledgers AS l, generate_series(1, 5000) AS n;

INSERT INTO ordertrail.requests
SELECT l.tenant, 'key-' || n, '', n, n, now() FROM ordertrail.ledgers AS l, generate_series(1, 20000) AS n;

INSERT INTO ordertrail.refused_lines
SELECT l.tenant, 'load-' || n % 20, n, '{}' FROM ordertrail.ledgers AS l, generate_series(1, 20000) AS n;

INSERT INTO ordertrail.integrations
SELECT l.tenant, n, 1, now(), now(), NULL, NULL, '{}', NULL
FROM ordertrail.ledgers AS l, generate_series(1, 20000) AS n;

INSERT INTO ordertrail.order_state
SELECT l.tenant, 'O-' || n, l.position + n, now(), NULL, 'success', 'completed', NULL, NULL, '', '{"redacted":false}'
FROM ordertrail.ledgers AS l, generate_series(1, 30000) AS n;

-- The exceptions of 100 integrations, after everything else; and a few orders that are tied to them.
INSERT INTO ordertrail.events
SELECT l.tenant, l.position + n, (n - 1) / 100 + 1, now(), now(), 'integration-' || (n - 1) % 100 + 1,
       'exception-' || n, 'integration.exception_logged', '{}', '{}'
FROM ordertrail.ledgers AS l, generate_series(1, 20000) AS n;

INSERT INTO ordertrail.integration_log
SELECT tenant, substr(stream, 13)::bigint, position, occurred_at, NULL, NULL
FROM ordertrail.events WHERE type = 'integration.exception_logged';

UPDATE ordertrail.timeline SET integration_id = position % 100 + 1, type = 'order.integration_tied'
WHERE position % 100 = 77;

UPDATE ordertrail.ledgers SET position = position + 20000;

-- An order with 10,000 events.
INSERT INTO ordertrail.events
SELECT l.tenant, l.position + n, n, now(), now(), 'order-long', 'long-' || n, 'order.comment_added', '{"text":""}', '{}'
FROM ordertrail.ledgers AS l, generate_series(1, 10000) AS n;

INSERT INTO ordertrail.timeline
SELECT tenant, 'long', position, 'action', type, occurred_at, 'c-' || version / 4, NULL
FROM ordertrail.events WHERE stream = 'order-long';

INSERT INTO ordertrail.action_log
SELECT tenant, 'long', position, occurred_at, type, 1, '{"text":""}', '', '', '', NULL
FROM ordertrail.events WHERE stream = 'order-long';

UPDATE ordertrail.ledgers SET position = position + 10000;

-- Of all rows, not of some: the same plans each time.
SET default_statistics_target = 1000;
ANALYZE;
"""


class Reads(NamedTuple):
    """What an execution did to the large tables."""

    scanned: set[str]
    """The tables that were, or could have been, read from one end to the other."""
    rows: int
    """How many rows were fetched, whether they were of use or not."""


@pytest.fixture(scope="module", params=["server_dsn", "postgres15_server_dsn"], ids=["embedded", "postgres15"])
def connection(request: pytest.FixtureRequest) -> Iterator[psycopg.Connection]:
    """Large ledgers of several tenants, on each of the servers in turn."""
    with (
        database(request.getfixturevalue(request.param)) as dsn,
        psycopg.connect(dsn, autocommit=True, cursor_factory=psycopg.ClientCursor) as connection,
    ):
        migrate(dsn)
        connection.execute("SET search_path TO ordertrail")
        for tenant, events in LARGE.items():
            generate(connection, tenant, events)
        connection.execute(MORE_OF_DELIVERY)
        connection.execute(MORE)
        yield connection


def execute(connection: psycopg.Connection, statement: bytes, parameters: Mapping[str, Any], plan: str) -> Reads:
    """Execute a statement with a custom or a generic plan, and undo what it did."""
    names = list(dict.fromkeys(re.findall(rb"%\((\w+)\)s", statement)))
    numbered = re.sub(rb"%\((\w+)\)s", lambda match: b"$%d" % (names.index(match[1]) + 1), statement)
    given = [parameters[name.decode()] for name in names]
    types = [connection.adapters.types[v.array_oid].name + "[]" if isinstance(v, Array) else "unknown" for v in given]
    values = [
        Transformer().get_loader(v.array_oid, Format.BINARY).load(v.dump()) if isinstance(v, Array) else v
        for v in given
    ]
    arguments = f"({', '.join(['%s'] * len(values))})" if values else ""
    with connection.transaction(force_rollback=True):
        connection.execute(f"SET LOCAL plan_cache_mode = force_{plan}_plan")
        signature = f"({', '.join(types)})" if types else ""
        connection.execute(f"PREPARE tried{signature} AS ".encode() + numbered.replace(b"%%", b"%"))
        try:
            before = counters(connection)
            explain = "EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) EXECUTE tried"
            [([explained],)] = connection.execute(explain + arguments, values).fetchall()
            counted = counters(connection) - before
        finally:
            connection.execute("DEALLOCATE ALL")
    scans = list(scans_in(explained["Plan"]))
    # The plan tells what would be read with other parameters, the counters what was read within functions.
    scanned = {table for what, table in counted if what == "seq_scan"}
    scanned |= {scan["Relation Name"] for scan in scans if scan["Node Type"] == "Seq Scan"}
    rows = sum(n for (what, table), n in counted.items() if what == "rows" and table not in SMALL)
    return Reads(scanned - SMALL, max(rows, sum(map(rows_of, scans))))


def counters(connection: psycopg.Connection) -> Counter[tuple[str, str]]:
    """Return how often each table was scanned and how many of its rows were fetched, lately and in this transaction."""
    found = connection.execute(
        "SELECT relname, seq_scan, seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables"
    ).fetchall()
    return Counter({(what, table): n for table, *counts in found for what, n in zip(COUNTS, counts, strict=True)})


def scans_in(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield those nodes of a plan that read a large table."""
    if "Scan" in plan["Node Type"] and plan.get("Relation Name", "tenants") not in SMALL:
        yield plan
    for child in plan.get("Plans", []):
        yield from scans_in(child)


def rows_of(scan: dict[str, Any]) -> int:
    removed = sum(scan.get(f"Rows Removed by {what}", 0) for what in ("Filter", "Index Recheck"))
    return int((scan["Actual Rows"] + removed) * scan["Actual Loops"])


@pytest.mark.parametrize("plan", ["custom", "generic"])
@pytest.mark.parametrize(("file", "name"), STATEMENTS, ids=[f"{file}-{name}" for file, name in STATEMENTS])
def test_a_statement_reads_no_more_than_it_is_asked_for(
    connection: psycopg.Connection, file: str, name: str, plan: str
) -> None:
    for case in PARAMETERS[file][name]:
        for tenant in LARGE:
            parameters = {**case.parameters, "tenant": case.parameters.get("new_tenant", tenant)}
            statement = COMPOSED[name].encode() if file == "composed" else statements(file)[name]
            reads = execute(connection, statement, parameters, plan)

            assert not reads.scanned, (tenant, case)
            assert reads.rows <= case.rows, (tenant, case)
