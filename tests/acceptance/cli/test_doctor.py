"""`ordertrail doctor` says of each thing whether it is well, on real databases."""

import json
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest

from api.cli.doctor.findings import CHECKS
from tests.commands import ordertrail
from tests.fix_sealed import SealedLedger


def doctor(*arguments: object, **environment: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """Return the exit status and the findings by check."""
    result = ordertrail("doctor", "--json", *arguments, **environment)
    assert result.stderr == ""
    printed = json.loads(result.stdout)
    assert printed["ok"] is (result.returncode == 0)
    return result.returncode, {finding["check"]: finding for finding in printed["checks"]}


def statuses(found: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return the checks that are not ok. The servers of the tests are never safe, nor are the nodes of a cluster, which
    are left out here.
    """
    return {c: finding["status"] for c, finding in found.items() if finding["status"] != "ok" and c != "nodes"}


def execute(dsn: str, statement: LiteralString) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(statement)


def test_a_well_installation_is_well(data_dir: Path) -> None:
    assert ordertrail("migrate", "--data-dir", data_dir).returncode == 0

    status, found = doctor("--data-dir", data_dir)
    text = ordertrail("doctor", "--data-dir", data_dir)

    assert (status, statuses(found), list(found)) == (0, {}, list(CHECKS))
    assert text.returncode == 0
    assert [line.split()[:2] for line in text.stdout.splitlines()] == [["ok", check] for check in CHECKS]


def test_a_database_that_was_not_made_yet_is_said_and_not_made(new_dir: Path) -> None:
    status, found = doctor("--data-dir", new_dir)

    assert status == 1
    assert "ordertrail migrate" in found["database"]["advice"]
    assert not new_dir.exists()


def test_an_empty_database_needs_a_migration_and_stays_empty(empty_dsn: str) -> None:
    status, found = doctor("--dsn", empty_dsn)

    assert (status, found["schema"]["status"]) == (1, "wrong")
    assert "ordertrail migrate" in found["schema"]["advice"]
    with psycopg.connect(empty_dsn) as connection:
        assert connection.execute("SELECT to_regnamespace('ordertrail')").fetchall() == [(None,)]


def test_a_wrong_setting_and_a_server_that_is_away_are_findings(tmp_path: Path) -> None:
    status, found = doctor(ORDERTRAIL_PORT="many")
    assert (status, found["settings"]["status"]) == (1, "wrong")
    assert "ORDERTRAIL_PORT" in found["settings"]["says"]

    status, found = doctor("--dsn", f"postgresql://u:secret@/d?host={tmp_path}")
    assert (status, found["settings"]["status"], found["database"]["status"]) == (1, "ok", "wrong")
    assert "secret" not in json.dumps(found)


@pytest.mark.parametrize(
    ("statement", "check", "word"),
    [
        ("REVOKE SELECT ON ordertrail.events FROM ordertrail_runtime", "roles", "rights"),
        ("GRANT DELETE ON ordertrail.events TO ordertrail_runtime", "roles", "rights"),
        ("DELETE FROM ordertrail._yoyo_migration WHERE migration_id LIKE '0001%'", "schema", "0001"),
        ("INSERT INTO ordertrail._yoyo_migration VALUES ('h', '9999_later', now())", "schema", "9999_later"),
        ("DELETE FROM ordertrail.installation WHERE name = 'token key'", "keys", "token key"),
    ],
)
def test_what_is_wrong_with_a_database_is_named(dsn: str, statement: LiteralString, check: str, word: str) -> None:
    execute(dsn, statement)

    status, found = doctor("--dsn", dsn)

    assert (status, found[check]["status"]) == (1, "wrong")
    assert word in found[check]["says"]
    assert "fsync = off" in found["durability"]["says"]


async def test_what_is_wrong_with_the_service_is_named(ledger_of_300: SealedLedger) -> None:
    await ledger_of_300.tell(5)
    await ledger_of_300.tamper("UPDATE ordertrail.events SET recorded_at = now() - interval '2 minutes'")

    _, late = doctor("--dsn", ledger_of_300.dsn)

    assert statuses(late) == {"durability": "wrong", "sealing": "wrong", "views": "wrong"}
    assert "up to 5 events" in late["sealing"]["says"]
    assert "up to 305 events" in late["views"]["says"]

    await ledger_of_300.tamper("UPDATE ordertrail.trees SET error = 'another root'")
    await ledger_of_300.tamper("INSERT INTO ordertrail.checkpoints (tenant, projection, position, error) "
                               "SELECT tenant, 'timeline', 0, 'eaten' FROM ordertrail.tenants")  # fmt: skip
    await ledger_of_300.tamper("INSERT INTO ordertrail.subject_keys (tenant, subject, wrapped) "
                               "SELECT tenant, 'order-9', 'no key' FROM ordertrail.tenants")  # fmt: skip

    _, stopped = doctor("--dsn", ledger_of_300.dsn)

    assert statuses(stopped) == dict.fromkeys(["durability", "keys", "sealing", "views"], "wrong")
    assert f"order-9 of {ledger_of_300.tenant}" in stopped["keys"]["says"]
    assert "stopped for 1 tenants" in stopped["sealing"]["says"]
    assert "eaten" in stopped["views"]["says"]


def test_another_installations_key_opens_nothing(dsn: str) -> None:
    status, found = doctor("--dsn", dsn, ORDERTRAIL_INSTALLATION_KEY=b64encode(bytes(32)).decode())

    assert (status, found["keys"]["status"]) == (1, "wrong")
    assert "ORDERTRAIL_INSTALLATION_KEY" in found["keys"]["advice"]


def test_a_database_that_takes_no_writes_is_said(dsn: str) -> None:
    name = psycopg.conninfo.conninfo_to_dict(dsn)["dbname"]
    execute(dsn, f"ALTER DATABASE {name} SET default_transaction_read_only = on")  # type: ignore[arg-type]

    _, found = doctor("--dsn", dsn)

    assert statuses(found) == {"durability": "wrong", "database": "wrong"}
    assert "takes no writes" in found["database"]["says"]
