"""A login that may become the runtime role and nothing else serves and reads; what administers asks for the owner's."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tests.commands import assert_says, ordertrail
from tests.fix_embedded import wait_until
from tests.fix_server import running

ADMINISTERING = (
    ("tenant", "create", "globex"),
    ("tenant", "retain", "acme", "--days", "1"),
    ("key", "create", "--tenant", "acme"),
    ("key", "revoke", "no-such-key"),
    ("key", "rotate", "no-such-key"),
    ("key", "rotate-signing"),
    ("key", "retire-signing"),
    ("rebuild",),
    ("repair", "tiles", "--tenant", "acme"),
    ("forget", "--tenant", "acme", "--order", "A-1", "--yes"),
)
READING = (
    ("migrate",),
    ("tenant", "list"),
    ("tenant", "show", "acme"),
    ("key", "list"),
    ("replay", "--tenant", "acme"),
    ("verify", "--tenant", "acme"),
    ("verify", "--views", "--tenant", "acme"),
)


@pytest.fixture
def web_dsn(dsn: str) -> Iterator[str]:
    """A database with a tenant, for a login that is a member of the runtime role."""
    name = f"web_{secrets.token_hex(4)}"
    ordertrail("tenant", "create", "acme", "--dsn", dsn)
    with psycopg.connect(dsn, autocommit=True) as owner:
        owner.execute(f"CREATE ROLE {name} LOGIN".encode())
        owner.execute(f"GRANT ordertrail_runtime TO {name}".encode())
        try:
            yield make_conninfo(dsn, user=name)
        finally:
            owner.execute(f"DROP ROLE {name}".encode())


def test_who_may_only_become_the_runtime_role_serves_and_reads(web_dsn: str, dsn: str, tmp_path: Path) -> None:
    key = ordertrail("key", "create", "--tenant", "acme", "--json", "--dsn", dsn)
    token = key.stdout.split('"token": "')[1].split('"')[0]

    with (
        running(web_dsn) as server,
        httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {token}"}, timeout=30) as http,
    ):
        http.post("/trail/v1/orders", json={"order_id": "A-1", "customer": {"id": "c-1", "name": "Ann"}})
        assert "Ann" in http.get("/trail/v1/orders/A-1").text
        wait_until(lambda: http.get("/trail/v1/ledger/checkpoint").text.split("\n")[1:2] == ["1"])

    for command in (*READING, ("export", tmp_path / "acme.ndjson", "--tenant", "acme")):
        result = ordertrail(*command, "--dsn", web_dsn)
        assert (result.returncode, result.stderr) == (0, ""), command
    file = tmp_path / "acme.ndjson"
    assert_says(ordertrail("import", file, "--dsn", web_dsn), 2, "owns the schema ordertrail")


@pytest.mark.parametrize("command", ADMINISTERING, ids=[" ".join(command[:2]) for command in ADMINISTERING])
def test_what_administers_says_whose_rights_it_takes(web_dsn: str, command: tuple[str, ...]) -> None:
    result = ordertrail(*command, "--dsn", web_dsn)

    assert_says(result, 2, "takes the rights of postgres, who owns the schema", "run it with a DSN of postgres")


def test_a_right_that_is_taken_while_the_server_runs_is_told_in_its_log_and_can_be_given_back(
    dsn: str, capfd: pytest.CaptureFixture[str]
) -> None:
    ordertrail("tenant", "create", "acme", "--dsn", dsn)
    key = ordertrail("key", "create", "--tenant", "acme", "--json", "--dsn", dsn)
    token = key.stdout.split('"token": "')[1].split('"')[0]
    with (
        running(dsn) as server,
        httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {token}"}, timeout=30) as http,
    ):
        assert (
            http.post("/trail/v1/orders", json={"order_id": "A-0"}).status_code == 201
        )  # the credential's key is known
        with psycopg.connect(dsn) as owner:
            owner.execute("REVOKE EXECUTE ON FUNCTION ordertrail.append_alone FROM ordertrail_runtime")
            owner.execute("REVOKE SELECT ON ordertrail.ledgers FROM ordertrail_runtime")
        answers = [
            http.post("/trail/v1/orders", json={"order_id": "A-1"}),
            http.get("/trail/v1/ledger"),
        ]
        mended = ordertrail("migrate", "--dsn", dsn)
        created = http.post("/trail/v1/orders", json={"order_id": "A-1"})

    for answer in answers:
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        assert answer.json()["detail"].startswith("This service is not set up correctly")
    logged = capfd.readouterr().err
    assert "permission denied for function append_alone; run ordertrail migrate" in logged
    assert "permission denied for table ledgers; run ordertrail migrate" in logged
    assert "2 were missing, 0 too many" in mended.stdout
    assert created.status_code == 201


def test_a_library_application_of_such_a_login_cannot_make_its_tenant(web_dsn: str) -> None:
    from eventsourcing.application import Application

    settings = {"PERSISTENCE_MODULE": "infrastructure.library", "ORDERTRAIL_DSN": web_dsn}

    with pytest.raises(Exception, match=r"There is no tenant .globex.*ordertrail tenant create globex"):
        Application[str](env={**settings, "ORDERTRAIL_TENANT": "globex"})
    Application[str](env={**settings, "ORDERTRAIL_TENANT": "acme"}).close()
