"""However many calls are logged, those of one order are found without reading those of the others."""

from collections.abc import Iterator

import psycopg
import pytest

from application.queries import CallFilter
from infrastructure.statements import statements

SQL = statements("queries")

CALLS = """
INSERT INTO ordertrail.system_log
    (tenant, order_id, position, event_id, correlation_id, carrier_id, direction, request_type, response_code,
     content_digest)
SELECT 'acme', 'order ' || n % 500, n, n::text, 'c' || n % 7, 'dhl', 'outbound', 'ORDER_CREATE', 200, md5(n::text)
FROM generate_series(1, 50000) AS n
"""
EVENTS = """
INSERT INTO ordertrail.events
    (tenant, position, stream, version, event_id, type, data, metadata, occurred_at, recorded_at)
SELECT 'acme', n, 'order-order ' || n % 500, n, n::text, 'order.system_log_recorded', '{}', '{}', now(), now()
FROM generate_series(1, 50000) AS n
"""
ORDERS = """
INSERT INTO ordertrail.order_state (tenant, order_id, first_position, updated_at, state, search, detail)
SELECT 'acme', 'order ' || n, n, now(), 'pending', '', '{"redacted": false}' FROM generate_series(0, 499) AS n
"""


@pytest.fixture
def connection(dsn: str) -> Iterator[psycopg.Connection[tuple[str, ...]]]:
    """A database with 50,000 calls about 500 orders, whose plans are those for whatever is asked for."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in (CALLS, EVENTS, ORDERS, "ANALYZE", "SET plan_cache_mode = force_generic_plan"):
            connection.execute(statement)
        yield connection


def plan(connection: psycopg.Connection[tuple[str, ...]], statement: str, **parameters: object) -> str:
    rows = connection.execute(b"EXPLAIN " + SQL[statement], parameters, prepare=True).fetchall()
    return "\n".join(row[0] for row in rows)


@pytest.mark.parametrize(
    "wanted",
    [CallFilter(), CallFilter("c1", "dhl", "outbound", "ORDER_CREATE", 200, 299), CallFilter(response_from=500)],
    ids=["all", "every filter", "errors"],
)
@pytest.mark.parametrize("offset", [0, 90])
def test_a_page_of_an_orders_calls_is_read_by_indexes(
    connection: psycopg.Connection[tuple[str, ...]], wanted: CallFilter, offset: int
) -> None:
    explained = plan(
        connection, "system_log", tenant="acme", order_id="order 7", offset=offset, limit=10, **wanted._asdict()
    )

    assert "Seq Scan" not in explained, explained
    assert "a_call_is_logged_once" in explained
    assert "a_position_holds_one_event" in explained


def test_whose_a_content_is_is_read_by_indexes(connection: psycopg.Connection[tuple[str, ...]]) -> None:
    explained = plan(connection, "contents_of_order_alone", tenant="acme", order_id="order 7")

    assert "Seq Scan on system_log" not in explained, explained


def test_whether_orders_are_redacted_is_read_by_an_index(connection: psycopg.Connection[tuple[str, ...]]) -> None:
    explained = plan(connection, "redacted_orders", tenant="acme", order_ids=["order 7"])

    assert "Seq Scan" not in explained, explained
