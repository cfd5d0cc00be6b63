"""What an installation can set for logged calls: where bodies are kept, what is masked, how many requests it takes."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import httpx
import psycopg
import pytest

from api.cli.maintenance import create_key, create_tenant
from tests.acceptance.carriyo.fix_carriyo import LOGS, assert_error, headers_of, logged, whole
from tests.fix_postgres import database
from tests.fix_server import Account, running

BODY = "x" * (10 * 2**20)

Set = Callable[..., None]
Start = Callable[[], AbstractAsyncContextManager[tuple[httpx.AsyncClient, str]]]


@pytest.fixture
def set_(monkeypatch: pytest.MonkeyPatch) -> Set:
    """Sets what the server that is started next reads from its environment."""

    def set_all(**settings: str) -> None:
        for name, value in settings.items():
            monkeypatch.setenv(f"ORDERTRAIL_{name.upper()}", value)

    return set_all


@pytest.fixture
def start(server_dsn: str, template_name: str) -> Start:
    """Starts a server and yields a client of it, to which order A-1 is not known yet, and the database's DSN."""
    return lambda: _client(server_dsn, template_name)


@asynccontextmanager
async def _client(server_dsn: str, template_name: str) -> AsyncIterator[tuple[httpx.AsyncClient, str]]:
    with database(server_dsn, template=template_name) as dsn, running(dsn) as server:
        await create_tenant(dsn, "acme", is_implicit=True, dintero_account=None)
        key = await create_key(dsn, "acme", scopes=("admin",), name="")
        account = Account(server.url, dsn, "acme", "", key["key_id"], key["secret"], key["token"])
        headers = await headers_of(account, key["key_id"], key["secret"])
        async with httpx.AsyncClient(base_url=server.url, headers=headers, timeout=60) as client:
            yield client, dsn


def stored(dsn: str) -> tuple[int, int]:
    """Return how large the largest event is, and how many bodies the database holds."""
    with psycopg.connect(dsn) as connection:
        size = "SELECT max(length(data) + length(metadata)) FROM ordertrail.events"
        bodies = "SELECT count(*) FROM ordertrail.bodies"
        return connection.execute(size).fetchone()[0], connection.execute(bodies).fetchone()[0]  # type: ignore[index]


async def test_bodies_of_ten_megabytes_are_kept_in_the_database_unless_told_otherwise(start: Start) -> None:
    async with start() as (client, dsn):
        log = await logged(client, request_body=BODY)

        assert (await whole(client, log)).json()["request_body"] == BODY
        size, bodies = stored(dsn)
        assert (size < 1_000, bodies) == (True, 1)


async def test_bodies_of_ten_megabytes_are_kept_in_s3(
    start: Start, set_: Set, s3_url: str, keys_in_s3: Callable[[], list[str]]
) -> None:
    set_(bodies_url=s3_url)

    async with start() as (client, dsn):
        log = await logged(client, request_body=BODY)

        assert (await whole(client, log)).json()["request_body"] == BODY
        size, bodies = stored(dsn)
        assert (size < 1_000, bodies) == (True, 0)
        assert log["s3_content_bucket"] == s3_url.split("/")[2]
        assert keys_in_s3() == [log["s3_content_key"]]
        await client.post("/orders/A-1/redact")
        assert keys_in_s3() == []


async def test_bodies_are_kept_in_a_folder(start: Start, set_: Set, file_url: str, tmp_path: Path) -> None:
    set_(bodies_url=file_url)

    async with start() as (client, dsn):
        log = await logged(client, request_body="a")

        assert (await whole(client, log)).json()["request_body"] == "a"
        assert (tmp_path / "calls" / "acme" / log["s3_content_key"].rpartition("/")[2]).is_file()
        assert stored(dsn)[1] == 0


async def test_a_store_of_bodies_that_is_away_refuses_calls_and_nothing_is_recorded(
    start: Start, set_: Set, s3_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_(bodies_url=s3_url)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")

    async with start() as (client, _):
        answer = await client.post(LOGS, json={})

        assert_error(answer, 503, about="try again")
        assert "127.0.0.1" not in answer.text
        assert int(answer.headers["retry-after"]) > 0
        assert (await client.get(LOGS)).status_code == 404


async def test_headers_of_ones_own_are_masked_in_every_interface(start: Start, set_: Set) -> None:
    set_(masked_headers="X-Session, x_signature")
    headers = {"x-session": ["s3cret"], "X-Signature": ["s3cret"], "Cookie": ["s3cret"], "Accept": ["*/*"]}
    masked = {"x-session": ["***"], "X-Signature": ["***"], "Cookie": ["***"], "Accept": ["*/*"]}

    async with start() as (client, dsn):
        log = await logged(client, request_headers=headers, response_headers=headers)
        body = {"base_url": "https://shop.example", "request": {"headers": "X-Session: s3cret"}}
        key = await create_key(dsn, "acme", scopes=("admin",), name="Carrier")
        pair = (key["key_id"], key["secret"])
        failed = await client.post("/api/v3/integrations/7/logs", json=body, auth=pair)

        call = (await whole(client, log)).json()
        assert call["request_headers"] == call["response_headers"] == masked
        assert failed.json()["data"]["request"]["headers"] == "X-Session: ***"
        assert failed.json()["data"]["protected"] is True
        with psycopg.connect(dsn) as connection:
            found = "SELECT count(*) FROM ordertrail.events WHERE position('s3cret' IN convert_from(data, 'UTF8')) > 0"
            assert connection.execute(found).fetchone() == (0,)


async def test_too_many_requests_are_told_when_to_come_back(start: Start, set_: Set) -> None:
    set_(carriyo_rate="2")

    async with start() as (client, _):
        answers = [await client.post(LOGS, json={}) for _ in range(12)]

        refused = [answer for answer in answers if answer.status_code == 429]
        assert answers[0].status_code == answers[1].status_code == 200
        assert refused
        assert_error(refused[0], 429)
        assert int(refused[0].headers["retry-after"]) >= 1
