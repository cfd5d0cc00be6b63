"""What a server shows of itself: its log, its measures, and its connections to the database."""

import base64
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, LiteralString

import httpx
import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from api.bootstrap import set_up_database
from api.settings import read_settings
from tests.fix_embedded import wait_until
from tests.fix_postgres import database
from tests.native import ORDERS, new_id
from tests.outage import Served, new_token, read, served, write

PASSWORD = "pass-of-the-database"
INSTALLATION_KEY = base64.b64encode(b"the key of this installation, 32"[:32]).decode()
WORKERS = 2


@pytest.fixture(scope="module")
def observed_dsn(server_dsn: str, template_name: str) -> Iterator[str]:
    with database(server_dsn, template=template_name) as dsn, pytest.MonkeyPatch.context() as patch:
        patch.setenv("ORDERTRAIL_INSTALLATION_KEY", INSTALLATION_KEY)
        set_up_database(dsn, read_settings())
        yield f"{dsn} password={PASSWORD}"


@pytest.fixture(scope="module")
def server(observed_dsn: str) -> Iterator[Served]:
    """Two workers, which log everything they can, as JSON."""
    settings = {"ORDERTRAIL_LOG_FORMAT": "json", "ORDERTRAIL_ACCESS_LOG": "true", "ORDERTRAIL_LOG_LEVEL": "debug"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ORDERTRAIL_INSTALLATION_KEY", INSTALLATION_KEY)
        token = new_token(observed_dsn)
        arguments = ("--dsn", observed_dsn, "--workers", WORKERS)
        with served(*arguments, token=token, **settings) as running:
            yield running


def entries(server: Served) -> list[dict[str, Any]]:
    return [json.loads(line) for line in server.log.splitlines()]


def of_request(server: Served, request_id: str) -> list[dict[str, Any]]:
    """Wait for what the log says of a request."""
    wait_until(lambda: request_id in server.log)
    return [entry for entry in entries(server) if entry.get("request_id") == request_id]


def samples(server: Served) -> dict[tuple[str, ...], float]:
    """Return all samples of the metrics, by their names and the values of their labels."""
    text = httpx.get(f"{server.url}/metrics", timeout=25).text
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_every_answer_names_its_request(server: Served) -> None:
    with server.client() as http:
        paths = (ORDERS, f"{ORDERS}/none-such", "/healthz", "/nowhere", "/docs", "/metrics")
        answers = [write(http), http.head(ORDERS), *(http.get(path) for path in paths)]

        brought = http.get("/healthz", headers={"X-Request-Id": "mine-1"})

    ids = [answer.headers.get_list("x-request-id") for answer in answers]
    assert all(len(each) == 1 for each in ids), ids
    assert len({each[0] for each in ids}) == len(answers)
    assert brought.headers.get_list("x-request-id") == ["mine-1"]


def test_a_request_has_one_line_in_the_access_log_with_its_id_and_without_its_query(server: Served) -> None:
    with server.client(**{"X-Request-Id": "asked-1"}) as http:
        assert http.get(ORDERS, params={"text": "Ann"}).status_code == 200

    [entry] = of_request(server, "asked-1")
    assert entry["logger"] == "api.http.observation.access_log"
    assert (entry["level"], entry["process"]) == ("info", "http")
    assert (entry["method"], entry["path"], entry["route"]) == ("GET", ORDERS, ORDERS)
    assert (entry["status"], entry["client"]) == (200, "127.0.0.1")
    assert 0 < entry["seconds"] < 25
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", entry["time"])


def test_a_trusted_proxy_says_who_the_client_is(server: Served) -> None:
    forwarded = {"X-Forwarded-For": "198.51.100.1, 203.0.113.9", "X-Request-Id": "forwarded-1"}
    with server.client(**forwarded) as http:
        assert http.get("/healthz").status_code == 200

    [entry] = of_request(server, "forwarded-1")
    assert entry["client"] == "203.0.113.9"


@pytest.mark.one_server("a cluster has no triggers on the tables of tenants")
def test_a_line_about_a_failure_has_the_requests_id(server: Served, observed_dsn: str) -> None:
    request_id = "refused-1"
    with failing(observed_dsn, "RAISE disk_full"), server.client(**{"X-Request-Id": request_id}) as http:
        assert write(http).status_code == 503

    refused, answered = sorted(of_request(server, request_id), key=lambda entry: entry["time"])
    assert (refused["level"], refused["logger"]) == ("warning", "api.app")
    assert "53100" in refused["message"]
    assert (answered["logger"], answered["status"]) == ("api.http.observation.access_log", 503)


@pytest.mark.one_server("a cluster has no triggers on the tables of tenants")
def test_no_line_of_the_log_holds_a_secret(server: Served, observed_dsn: str) -> None:
    secret, key_id = server.token.rpartition("_")[2], server.token.split("_")[1]
    pair = base64.b64encode(f"{key_id}:{secret}".encode()).decode()
    order_id = new_id()
    with server.client() as http:
        assert write(http, order_id).status_code == 201
        tenant = tenant_of(observed_dsn, key_id)
        grant = {"client_id": key_id, "client_secret": secret}
        token = http.post("/oauth/token", json=grant).json()["access_token"]
        carriyo = {"Authorization": f"Bearer {token}", "x-api-key": key_id, "tenant-id": tenant}
        log = http.post(f"/orders/{order_id}/system-logs", json={}, headers=carriyo).json()
        link = http.get(f"/orders/{order_id}/system-logs/{log['identifier']}", headers=carriyo).json()
        linked = link.partition("token=")[2]
        assert linked
        assert http.get(link.removeprefix(server.url)).status_code == 200
        http.get("/api/v3/integrations", headers={"Authorization": f"Basic {pair}"})
        http.get(f"/trail/v1/orders?token={server.token}", headers={"X-Request-Id": server.token})
        http.get(f"/trail/v1/{server.token}", headers={"X-Request-Id": "in-the-path"})
        said = f"password={PASSWORD} token: {server.token} {token}"
        with failing(observed_dsn, f"RAISE disk_full USING MESSAGE = '{said}'"):
            assert write(http, order_id).status_code == 503
    wait_until(lambda: "in-the-path" in server.log and "53100 password=" in server.log)

    for hidden in (secret, pair, token, linked, PASSWORD, INSTALLATION_KEY):
        assert hidden not in server.log, hidden


@contextmanager
def failing(dsn: str, statement: LiteralString) -> Iterator[None]:
    """Let every append fail with this statement."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(FAILING.format(statement=statement))
        try:
            yield
        finally:
            connection.execute("DROP FUNCTION public.failing CASCADE")


FAILING: LiteralString = """
    CREATE FUNCTION public.failing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {statement}; END $$;
    CREATE TRIGGER failing BEFORE INSERT ON ordertrail.events EXECUTE FUNCTION public.failing()
"""


def tenant_of(dsn: str, key_id: str) -> str:
    with psycopg.connect(dsn) as connection:
        found = connection.execute("SELECT tenant FROM ordertrail.credentials WHERE key_id = %s", [key_id]).fetchone()
    assert found is not None
    return str(found[0])


def test_requests_are_counted_by_route_and_status_over_all_workers(server: Served) -> None:
    route = f"{ORDERS}/{{order_id}}/events"
    before = samples(server)

    for _ in range(20):
        with server.client() as http:  # on a connection of its own, so that either worker may get it
            assert write(http).status_code == 201
            assert http.post(f"{ORDERS}/A-1/events", json={}).status_code == 422

    after = samples(server)
    grown = {sample: value - before.get(sample, 0) for sample, value in after.items()}
    assert grown["ordertrail_http_requests_total", "POST", route, "201"] == 20
    assert grown["ordertrail_http_requests_total", "POST", route, "422"] == 20
    assert grown["ordertrail_http_request_seconds_count", "POST", route] == 40
    # An append that finds something changed is sent again.
    assert grown["ordertrail_append_seconds_count",] >= 20
    assert grown["ordertrail_group_appends_sum",] >= 20
    assert {name for name, *_ in after} == {name for name, *_ in samples(server)}


def test_what_a_worker_has_counted_is_kept_when_it_is_replaced(server: Served) -> None:
    counted = samples(server)["ordertrail_group_appends_count",]
    assert counted > 0

    for worker in server.children("http"):
        worker.kill()
    wait_until(lambda: len(server.told("ended with -9")) == WORKERS)

    with server.client() as http:
        wait_until(lambda: write(http).status_code == 201)
    assert samples(server)["ordertrail_group_appends_count",] > counted


def test_views_and_seals_are_measured_in_the_process_that_makes_them(server: Served) -> None:
    with server.client() as http:
        assert write(http).status_code == 201
        assert read(http).status_code == 200

    wait_until(lambda: samples(server)[("ordertrail_seal_seconds_count",)] > 0)
    found = samples(server)
    assert found[("ordertrail_events_projected_total",)] > 0
    assert found[("ordertrail_database_up",)] == 1
    assert ("ordertrail_projection_lag_seconds", "timeline") in found
    wait_until(lambda: samples(server)[("ordertrail_seal_delay_seconds",)] == 0)


def test_no_metric_grows_with_the_number_of_tenants(server: Served, observed_dsn: str) -> None:
    before = samples(server).keys()

    for _ in range(5):
        with server.client(Authorization=f"Bearer {new_token(observed_dsn)}") as http:
            assert write(http).status_code == 201

    labels = {label for sample in samples(server) for label in sample[1:]}
    assert before <= samples(server).keys()
    assert not {label for label in labels if label.startswith("A-")}


@pytest.mark.one_server("a cluster has sessions of its own")
def test_every_connection_to_the_database_says_whose_it_is(server: Served, observed_dsn: str) -> None:
    with server.client() as http:
        assert write(http).status_code == 201

    with psycopg.connect(observed_dsn, application_name="the test") as connection:
        found = connection.execute(
            "SELECT DISTINCT application_name FROM pg_stat_activity WHERE datname = current_database()"
        )
        names = {str(name) for (name,) in found}

    assert names - {"the test"} == {"ordertrail http", "ordertrail projector"}
