"""Every statement can be executed on a Citus cluster, for the first time and again, and asks only its tenant's node."""

import re
from typing import Any

import psycopg
import pytest

from infrastructure.keys.credentials import PostgresCredentialStore
from infrastructure.postgres.database import Connection, connect, open_pool
from infrastructure.postgres.reasons import is_loss_of_node
from infrastructure.postgres.statements import statements
from infrastructure.views.composed import statements as composed_statements
from tests.lost_node import gone, open_shop
from tests.sql_of_all_tenants import EVERY_TENANT
from tests.statement_cases import Case
from tests.statement_parameters import PARAMETERS

pytestmark = pytest.mark.citus

COMPOSED = composed_statements()
EVERYWHERE = {("credentials", "create_tenant")}
"""What writes to every node in one statement, which a cluster cannot explain."""
ON_EVERY_NODE = {
    ("credentials", "create_credential"),
    ("credentials", "create_tenant"),
    ("credentials", "forget_performer"),
    ("installation", "add_value"),
    ("key_register", "revoke"),
    ("key_register", "rotate"),
    ("recorder", "create_ledger"),
    ("signing_keys", "add_signing_key"),
    ("signing_keys", "retire_signing_keys"),
    ("tenant_keys", "create"),
    ("tenant_keys", "revoke"),
}
"""What writes to tables that are whole on every node: it needs all of them."""
IN_PARTS = {("composed", "all.save"), ("transparency", "keep_seal")}
"""Statements of several parts, whose results a cluster passes on to every node. If that fails, each tenant is written
to on its own, part by part.
"""
TIMES = 7
"""After five executions PostgreSQL may choose a plan that does not know the tenant."""


def statement_of(file: str, name: str) -> bytes:
    return COMPOSED[name].encode() if file == "composed" else statements(file)[name]


def parameters_of(case: Case, tenant: str = "acme") -> dict[str, Any]:
    return {**case.parameters, "tenant": case.parameters.get("new_tenant", tenant)}


async def executed(connection: Connection, file: str, name: str, *, tenant: str = "acme", times: int = TIMES) -> None:
    for case in PARAMETERS[file][name]:
        for _ in range(times):
            async with connection.transaction(force_rollback=True), connection.cursor(binary=True) as cursor:
                await cursor.execute(statement_of(file, name), parameters_of(case, tenant), prepare=True)


@pytest.fixture
async def acme(dsn: str) -> None:
    """A tenant whose rows the statements are about."""
    async with open_pool(dsn, size=1, as_owner=True) as owner:
        await PostgresCredentialStore(owner).create_tenant("acme", is_implicit=False, dintero_account=None)


@pytest.mark.usefixtures("acme")
async def test_every_statement_runs_on_a_cluster(dsn: str) -> None:
    failed = []
    async with await connect(dsn, as_owner=True) as connection:
        for file, names in PARAMETERS.items():
            for name in names:
                try:
                    await executed(connection, file, name)
                except psycopg.Error as error:
                    failed.append(f"{file} {name}: {error}")

    assert failed == []


@pytest.mark.usefixtures("acme")
async def test_a_statement_about_one_tenant_asks_only_its_node(dsn: str) -> None:
    elsewhere = []
    async with await connect(dsn, as_owner=True) as connection:
        for file, names in PARAMETERS.items():
            for name in names.keys() - {name for of, name in EVERY_TENANT.keys() | EVERYWHERE if of == file}:
                for case in names[name]:
                    plan = await planned(connection, file, name, case)
                    if any(tasks != "1" for tasks in re.findall(r"Task Count: (\d+)", plan)):
                        elsewhere.append(f"{file} {name}")

    assert elsewhere == []


async def test_a_statement_about_one_tenant_runs_while_the_node_of_another_is_lost(dsn: str) -> None:
    failed = []
    async with open_shop(dsn) as shop, await connect(dsn, as_owner=True) as connection:
        with gone(shop.node):
            for file, names in PARAMETERS.items():
                for name in names.keys() - {
                    name for of, name in EVERY_TENANT.keys() | ON_EVERY_NODE | IN_PARTS if of == file
                }:
                    try:
                        await executed(connection, file, name, tenant=shop.other, times=1)
                    except psycopg.Error as error:
                        if is_loss_of_node(error):
                            failed.append((file, name))

    assert failed == []


async def planned(connection: Connection, file: str, name: str, case: Case) -> str:
    cursor = connection.cursor()
    await cursor.execute(b"EXPLAIN " + statement_of(file, name), parameters_of(case))
    return "\n".join(row[0] for row in await cursor.fetchall())
