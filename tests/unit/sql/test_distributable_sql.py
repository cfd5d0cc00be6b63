"""All our SQL can be distributed by tenant: no statement needs two tenants' rows at once, or more than one node."""

import re
from importlib.resources import files
from pathlib import PurePath

import pytest
from pglast.parser import ParseError

from infrastructure.postgres.statements import statements
from infrastructure.views.composed import statements as composed_statements
from tests.paths import PACKAGES, ROOT
from tests.sql_of_all_tenants import EVERY_TENANT, ON_EVERY_NODE
from tests.sql_rules import Breach, breaches, breaches_of_migration, tenants_tables

SQL = files("infrastructure").joinpath("sql")
MIGRATIONS = {
    file.name: file.read_text(encoding="utf-8")
    for file in SQL.joinpath("migrations").iterdir()
    if file.name.endswith(".sql")
}
TABLES = tenants_tables(MIGRATIONS.values())
FILES = sorted(PurePath(file.name).stem for file in SQL.iterdir() if file.name.endswith(".sql"))
STATEMENTS = [(file, name) for file in FILES for name in statements(file)]
COMPOSED = composed_statements()

LIMIT = re.compile(
    r"\(?(?:%\(tenants\)s::text\[\] IS NULL OR )?(\w+)\.tenant(?: COLLATE \"default\")?"
    r" = ANY \(%\(tenants\)s(?:::text\[\])?\)\)?"
)
"""Limits a table of tenants to those that can be reached; NULL is for all."""

GOOD = [
    "SELECT 1 FROM ordertrail.events WHERE tenant = %(tenant)s AND position > 7",
    "SELECT 1 FROM ordertrail.events AS e JOIN ordertrail.ledgers AS l USING (tenant) WHERE l.tenant = %(tenant)s",
    "SELECT 1 FROM ordertrail.events AS e, ordertrail.trees AS t WHERE t.tenant = e.tenant AND e.tenant = %(tenant)s",
    (
        "SELECT (SELECT max(o.size) FROM ordertrail.trees AS o WHERE o.tenant = e.tenant) FROM ordertrail.events AS e"
        " WHERE e.tenant = %(tenant)s"
    ),
    "WITH e AS (SELECT tenant FROM ordertrail.events WHERE tenant = %(tenant)s) SELECT 1 FROM e",
    "INSERT INTO ordertrail.trees (size, tenant) VALUES (0, %(tenant)s) ON CONFLICT DO NOTHING",
    (
        "INSERT INTO ordertrail.trees AS new (tenant) SELECT l.tenant FROM ordertrail.ledgers AS l"
        " WHERE l.tenant = %(tenant)s RETURNING new.tenant"
    ),
    "UPDATE ordertrail.trees SET size = %(size)s WHERE tenant = %(tenant)s",
    "DELETE FROM ordertrail.tiles AS t USING ordertrail.trees AS o WHERE t.tenant = o.tenant AND o.tenant = %(tenant)s",
    "CREATE TEMPORARY TABLE side (LIKE ordertrail.trees)",
    "SELECT value FROM ordertrail.installation WHERE name = %(name)s",
    "SELECT a, b FROM ordertrail.append_alone(%(tenant)s, %(stream)s)",
]
BAD = {
    "SELECT 1 FROM ordertrail.events": Breach("tenant", "events"),
    "SELECT 1 FROM events WHERE position = 7": Breach("tenant", "events"),
    "SELECT 1 FROM ordertrail.events WHERE tenant = 'acme'": Breach("tenant", "events"),
    "SELECT 1 FROM ordertrail.events WHERE tenant = %(name)s": Breach("tenant", "events"),
    "SELECT 1 FROM ordertrail.events WHERE tenant <> %(tenant)s": Breach("tenant", "events"),
    "SELECT 1 FROM ordertrail.events WHERE tenant = %(tenant)s OR position = 7": Breach("tenant", "events"),
    "SELECT 1 FROM ordertrail.events AS e, ordertrail.trees AS t WHERE e.tenant = %(tenant)s": Breach(
        "tenant", "trees"
    ),
    "SELECT 1 FROM ordertrail.ledgers AS l LEFT JOIN ordertrail.trees AS t ON t.size = l.position "
    "WHERE l.tenant = %(tenant)s": Breach("tenant", "trees"),
    "SELECT (SELECT max(size) FROM ordertrail.trees)": Breach("tenant", "trees"),
    "SELECT 1 WHERE EXISTS (SELECT FROM ordertrail.trees)": Breach("tenant", "trees"),
    "SELECT 1 FROM (SELECT * FROM ordertrail.trees) AS t WHERE t.tenant = %(tenant)s": Breach("tenant", "trees"),
    "WITH t AS (SELECT FROM ordertrail.trees) SELECT 1": Breach("tenant", "trees"),
    "SELECT 1 UNION ALL SELECT size FROM ordertrail.trees": Breach("tenant", "trees"),
    "INSERT INTO ordertrail.trees (size) VALUES (%(tenant)s)": Breach("tenant", "trees"),
    "INSERT INTO ordertrail.trees (tenant) VALUES (%(tenant)s), ('acme')": Breach("tenant", "trees"),
    "INSERT INTO ordertrail.trees (tenant) SELECT 'acme'": Breach("tenant", "trees"),
    "UPDATE ordertrail.trees SET size = 0 WHERE size < 0": Breach("tenant", "trees"),
    "DELETE FROM ordertrail.trees": Breach("tenant", "trees"),
    "SELECT ordertrail.leaf_hash(e) FROM ordertrail.events AS e WHERE tenant = %(tenant)s": Breach(
        "row", "leaf_hash(e)"
    ),
    "SELECT nextval('ordertrail.numbers')": Breach("sequence", "nextval"),
    "SELECT 1 FROM pg_temp.side, ordertrail.trees AS t WHERE t.tenant = %(tenant)s": Breach("temporary", "side"),
    "UPDATE ordertrail.trees SET size = random() WHERE tenant = %(tenant)s": Breach("volatile", "random"),
    "INSERT INTO ordertrail.editions VALUES (%(tenant)s) ON CONFLICT (tenant) DO UPDATE SET number = random()": (
        Breach("volatile", "random")
    ),
    "INSERT INTO ordertrail.trees (tenant) SELECT %(tenant)s RETURNING tenant": Breach("returning", "trees"),
    "INSERT INTO ordertrail.trees AS new (tenant) SELECT %(tenant)s RETURNING size": Breach("returning", "trees"),
    "SELECT ordertrail.append_alone(%(tenant)s, %(stream)s)": Breach("append", "append_alone"),
    "SELECT a FROM ordertrail.append_group(%(tenant)s) WHERE a > 1": Breach("append", "append_group"),
    "SELECT a FROM ordertrail.append_group(%(tenant)s, (SELECT 1))": Breach("append", "append_group"),
    "SELECT a FROM ordertrail.append_group(%(tenant)s), ordertrail.installation": Breach("append", "append_group"),
}
BAD_MIGRATIONS = {
    "CREATE SEQUENCE ordertrail.numbers": Breach("sequence", "numbers"),
    "CREATE TABLE ordertrail.t (tenant text, n bigserial)": Breach("sequence", "n"),
    "CREATE TABLE ordertrail.t (tenant text, n bigint GENERATED ALWAYS AS IDENTITY)": Breach("sequence", "n"),
    "CREATE FUNCTION ordertrail.f(event ordertrail.events) RETURNS int LANGUAGE sql RETURN 1": Breach(
        "row", "f(events)"
    ),
    "CREATE FUNCTION f(e events) RETURNS int LANGUAGE sql RETURN 1": Breach("row", "f(events)"),
    "CREATE FUNCTION f(in_tenant text) RETURNS bigint LANGUAGE sql AS $$ SELECT size FROM ordertrail.trees $$": Breach(
        "tenant", "trees"
    ),
    "CREATE FUNCTION f(in_tenant text) RETURNS bigint LANGUAGE sql RETURN (SELECT size FROM ordertrail.trees)": Breach(
        "tenant", "trees"
    ),
    "CREATE FUNCTION f(in_tenant text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN\n"
    "    IF in_tenant = '' THEN DELETE FROM ordertrail.trees WHERE size = 0; END IF;\nEND $$": Breach(
        "tenant", "trees"
    ),
    "CREATE FUNCTION f(in_tenant text) RETURNS void LANGUAGE plpgsql AS $$ DECLARE n int; BEGIN\n"
    "    n := (SELECT count(*) FROM ordertrail.trees);\nEND $$": Breach("tenant", "trees"),
    "DO $$ BEGIN PERFORM size FROM ordertrail.trees; END $$": Breach("tenant", "trees"),
}


@pytest.mark.parametrize(("file", "name"), STATEMENTS, ids=[f"{file}-{name}" for file, name in STATEMENTS])
def test_a_statement_can_be_distributed_by_tenant(file: str, name: str) -> None:
    found = breaches(statements(file)[name].decode(), TABLES)

    allowed = {"tenant"} if (file, name) in EVERY_TENANT else set()
    assert not {breach for breach in found if breach.rule not in allowed}


@pytest.mark.parametrize("name", COMPOSED)
def test_a_statement_that_is_composed_for_a_view_can_be_distributed(name: str) -> None:
    found = {breach.rule for breach in breaches(COMPOSED[name], TABLES)}

    assert found == set()


@pytest.mark.parametrize("name", sorted(MIGRATIONS))
def test_a_migration_makes_what_can_be_distributed_by_tenant(name: str) -> None:
    assert breaches_of_migration(MIGRATIONS[name], TABLES) == set()


@pytest.mark.parametrize("statement", EVERY_TENANT, ids="-".join)
def test_an_exception_is_needed(statement: tuple[str, str]) -> None:
    file, name = statement

    assert {breach.rule for breach in breaches(statements(file)[name].decode(), TABLES)} == {"tenant"}


@pytest.mark.parametrize("statement", sorted(EVERY_TENANT.keys() - ON_EVERY_NODE), ids="-".join)
def test_what_is_about_all_tenants_can_leave_out_those_of_a_lost_node(statement: tuple[str, str]) -> None:
    file, name = statement

    of_some = LIMIT.sub(r"\1.tenant = %(tenant)s", statements(file)[name].decode())

    assert breaches(of_some, TABLES) == set()


@pytest.mark.parametrize("statement", GOOD)
def test_what_keeps_the_rules_is_accepted(statement: str) -> None:
    assert breaches(statement, TABLES) == set()


@pytest.mark.parametrize(("statement", "breach"), BAD.items())
def test_each_kind_of_breach_is_found(statement: str, breach: Breach) -> None:
    assert breaches(statement, TABLES) == {breach}


@pytest.mark.parametrize(("migration", "breach"), BAD_MIGRATIONS.items())
def test_each_kind_of_breach_in_a_migration_is_found(migration: str, breach: Breach) -> None:
    assert breaches_of_migration(migration, TABLES) == {breach}


def test_a_function_is_parsed_to_its_end() -> None:
    with pytest.raises(ParseError):
        breaches_of_migration("CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN SELEC 1; END $$", TABLES)


def test_no_session_forces_a_plan_without_the_tenant() -> None:
    sources = [path for package in PACKAGES for path in ROOT.joinpath(package).rglob("*.py")]

    assert not [path for path in sources if "force_generic_plan" in path.read_text(encoding="utf-8")]
