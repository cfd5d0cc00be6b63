"""Pages of exceptions cost what they show, however long the ledger is."""

from typing import Any

import psycopg
import pytest

from api.maintenance import create_tenant
from infrastructure.statements import statements

SIZE = 20_000
EXPLAIN = b"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, BUFFERS OFF, SUMMARY OFF, FORMAT JSON) "


def scans(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """Return those nodes of a plan that read a table."""
    below = [scan for child in plan.get("Plans", []) for scan in scans(child)]
    return [plan, *below] if "Relation Name" in plan else below


@pytest.mark.parametrize("statement", [name for name in statements("queries") if name.startswith("exceptions_")])
async def test_a_page_reads_its_own_entries_only(dsn: str, statement: str) -> None:
    await create_tenant(dsn, "acme", is_implicit=False, dintero_account=None)
    parameters = {"tenant": "acme", "integration_id": 3, "cursor": SIZE // 2, "occurred_before": None, "limit": 26}
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        await connection.execute(
            """
            INSERT INTO ordertrail.events
            SELECT 'acme', n, 1, now(), now(), n, n, 'integration.exception_logged', '{}', '{}'
            FROM generate_series(1, %s) AS n
            """,
            [SIZE],
        )
        await connection.execute(
            "INSERT INTO ordertrail.integration_log SELECT 'acme', n %% 10, n, now() FROM generate_series(1, %s) AS n",
            [SIZE],
        )
        await connection.execute("ANALYZE ordertrail.events, ordertrail.integration_log")
        await connection.execute("SET plan_cache_mode = force_generic_plan")
        cursor = await connection.execute(EXPLAIN + statements("queries")[statement], parameters, prepare=True)
        [([explained],)] = await cursor.fetchall()

    found = scans(explained["Plan"])

    assert {scan["Relation Name"] for scan in found} == {"integration_log", "events"}
    for scan in found:
        assert scan["Node Type"] in {"Index Scan", "Index Only Scan"}
        assert scan["Actual Rows"] * scan["Actual Loops"] <= 26
