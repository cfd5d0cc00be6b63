"""Every statement can be executed on a Citus cluster: within a transaction and alone, for the first time and again."""

import psycopg
import pytest

from infrastructure.keys.credentials import PostgresCredentialStore
from infrastructure.postgres.database import Connection, connect, open_pool
from infrastructure.postgres.statements import statements
from infrastructure.views.composed import statements as composed_statements
from tests.statement_parameters import PARAMETERS

pytestmark = pytest.mark.citus

COMPOSED = composed_statements()
TIMES = 7
"""After five executions PostgreSQL may choose a plan that does not know the tenant."""


async def executed(connection: Connection, file: str, name: str) -> None:
    statement = COMPOSED[name].encode() if file == "composed" else statements(file)[name]
    for case in PARAMETERS[file][name]:
        parameters = {**case.parameters, "tenant": case.parameters.get("new_tenant", "acme")}
        for _ in range(TIMES):
            async with connection.transaction(force_rollback=True), connection.cursor(binary=True) as cursor:
                await cursor.execute(statement, parameters, prepare=True)


async def test_every_statement_runs_on_a_cluster(dsn: str) -> None:
    async with open_pool(dsn, size=1, as_owner=True) as owner:
        await PostgresCredentialStore(owner).create_tenant("acme", is_implicit=False, dintero_account=None)
    failed = []
    async with await connect(dsn, as_owner=True) as connection:
        for file, names in PARAMETERS.items():
            for name in names:
                try:
                    await executed(connection, file, name)
                except psycopg.Error as error:
                    failed.append(f"{file} {name}: {error}")

    assert failed == []
