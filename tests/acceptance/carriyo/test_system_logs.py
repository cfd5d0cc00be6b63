"""Carriyo's lists of order system logs, and the links to the whole of one, as its documentation tells them."""

import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from api.bootstrap import open_services
from api.dialects.carriyo.links import AUDIENCE
from tests.acceptance.carriyo.fix_carriyo import LOGS, assert_error, followed, headers_of, listed, logged, whole
from tests.fix_server import Account
from tests.paths import ROOT

FIXTURES = ROOT / "tests" / "fixtures" / "carriyo"
REQUEST: dict[str, Any] = json.loads((FIXTURES / "create_request.json").read_text())

CALLS: list[dict[str, Any]] = [
    {"correlation_id": "c1", "carrier_id": "dhl", "event_type": "OUTBOUND", "response_code": 200},
    {"correlation_id": "c1", "carrier_id": "dhl", "event_type": "INBOUND", "response_code": 404},
    {"correlation_id": "c2", "carrier_id": "ups", "event_type": "INTERNAL", "request_type": "SHIPMENT_CREATE"},
    {"correlation_id": "c2", "carrier_id": "ups", "event_type": "OUTBOUND", "response_code": 500},
    {"carrier_id": "ups", "event_type": "OUTBOUND", "request_type": "ORDER_CREATE", "response_code": 503},
]


async def test_logs_are_listed_as_they_were_answered_the_oldest_first(carriyo: httpx.AsyncClient) -> None:
    answers = [await logged(carriyo, **call) for call in CALLS]

    assert await listed(carriyo) == answers


async def test_an_order_without_logs_has_an_empty_list(carriyo: httpx.AsyncClient) -> None:
    assert await listed(carriyo) == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("correlationId=c1", [0, 1]),
        ("carrierId=ups", [2, 3, 4]),
        ("eventType=OUTBOUND", [0, 3, 4]),
        ("requestType=SHIPMENT_CREATE", [2]),
        ("responseCode=404", [1]),
        ("responseCode=5xx", [3, 4]),
        ("responseCode=2XX", [0]),
        ("responseCode=1xx", []),
        ("carrierId=ups&eventType=OUTBOUND&responseCode=5xx&correlationId=c2", [3]),
        ("correlationId=c3", []),
        ("unheardOf=1", [0, 1, 2, 3, 4]),
    ],
)
async def test_a_list_holds_what_passes_every_filter(carriyo: httpx.AsyncClient, query: str, found: list[int]) -> None:
    answers = [await logged(carriyo, **call) for call in CALLS]

    assert await listed(carriyo, query) == [answers[n] for n in found]


async def test_a_list_comes_in_pages_of_ten_unless_more_are_asked_for(carriyo: httpx.AsyncClient) -> None:
    answers = [await logged(carriyo) for _ in range(12)]

    assert await listed(carriyo) == answers[:10]
    assert await listed(carriyo, "pageNum=2") == answers[10:]
    assert await listed(carriyo, "pageNum=3") == []
    assert await listed(carriyo, "pageNum=3&rowsPerPage=5") == answers[10:]
    assert await listed(carriyo, "rowsPerPage=100") == answers


@pytest.mark.parametrize(
    ("query", "about"),
    [
        ("pageNum=0", "pageNum"),
        ("pageNum=10001", "pageNum"),
        ("pageNum=x", "pageNum"),
        ("rowsPerPage=0", "rowsPerPage"),
        ("rowsPerPage=101", "rowsPerPage"),
        ("responseCode=abc", "responseCode"),
        ("responseCode=xxx", "responseCode"),
        ("responseCode=9999999999999999999", "responseCode"),
        ("eventType=SIDEWAYS", "eventType"),
        ("key=shipment_id", "key"),
        ("correlationId=%00", "correlationId"),
        (f"requestType={'x' * 256}", "requestType"),
    ],
)
async def test_a_filter_that_cannot_be_one_is_a_400(carriyo: httpx.AsyncClient, query: str, about: str) -> None:
    assert_error(await carriyo.get(f"{LOGS}?{query}"), 400, about=about)


async def test_logs_are_found_by_the_partners_reference(carriyo: httpx.AsyncClient) -> None:
    log = await logged(carriyo)

    assert await listed(carriyo, "key=partner_order_reference", order_id="web-1") == [log]


async def test_a_list_holds_the_logs_of_its_order_only(carriyo: httpx.AsyncClient, http: httpx.AsyncClient) -> None:
    await http.post("/trail/v1/orders", json={"order_id": "B-2"})
    await logged(carriyo, order_id="B-2")
    log = await logged(carriyo)

    assert await listed(carriyo) == [log]


async def test_whoever_may_not_read_orders_may_not_read_their_logs(
    account: Account, carriyo: httpx.AsyncClient
) -> None:
    log = await logged(carriyo)
    key = await account.key("write:orders")
    headers = await headers_of(account, key["key_id"], key["secret"])

    for path in (LOGS, f"{LOGS}/{log['identifier']}"):
        assert_error(await carriyo.get(path, headers=headers), 403, about="read:orders")
        assert_error(await carriyo.get(path, headers={"tenant-id": "another"}), 403)
        assert_error(await carriyo.get(path, headers={"Authorization": ""}), 401)


async def test_a_link_leads_to_the_whole_call_without_other_credentials(carriyo: httpx.AsyncClient) -> None:
    call = {**REQUEST, "tenant": None, "request_headers": {"Authorization": ["s3cret"], "Accept": ["a", "b"]}}
    log = await logged(carriyo, **call)

    answer = await whole(carriyo, log)

    body = answer.json()
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert body == {
        **call,
        "identifier": log["identifier"],
        "entity_id": "A-1",
        "tenant": log["tenant"],
        "request_headers": {"Authorization": ["***"], "Accept": ["a", "b"]},
    }


async def test_a_link_is_a_string_with_our_address_whatever_host_a_client_names(
    account: Account, carriyo: httpx.AsyncClient
) -> None:
    log = await logged(carriyo)
    path = f"{LOGS}/{log['identifier']}"

    own, other = await carriyo.get(path), await carriyo.get(path, headers={"Host": "trail.example:81"})

    assert own.json().startswith(f"{account.url}/orders/A-1/system-logs/{log['identifier']}/content?token=")
    assert other.json().startswith(f"{account.url}/orders/A-1/")


@pytest.mark.parametrize("host", ["[", "a b", "@", "x/y?z#", "\xe9", ""])
async def test_a_strange_host_does_no_harm(carriyo: httpx.AsyncClient, host: str) -> None:
    log = await logged(carriyo)

    answer = await carriyo.get(f"{LOGS}/{log['identifier']}", headers={"Host": host.encode("latin-1")})  # type: ignore[dict-item]

    assert answer.status_code in {200, 400}


async def test_a_call_of_which_nothing_was_said_is_nulls(carriyo: httpx.AsyncClient) -> None:
    log = await logged(carriyo)

    body = (await whole(carriyo, log)).json()

    assert {name for name, value in body.items() if value is not None} == {"identifier", "entity_id", "tenant"}
    assert body.keys() == REQUEST.keys() | {"identifier"}


@pytest.mark.parametrize("order_id", ["a%b?c#d&e", "ANY", "x:y,z;", "..a", "'\"<>\\^`{|}"])
async def test_a_link_leads_to_orders_with_strange_names(
    carriyo: httpx.AsyncClient, http: httpx.AsyncClient, order_id: str
) -> None:
    await http.post("/trail/v1/orders", json={"order_id": order_id})
    path = f"/orders/{httpx.QueryParams({'': order_id})}/system-logs".replace("/=", "/")
    log = (await carriyo.post(path, json={"request_body": "a"})).json()

    link = await carriyo.get(f"{path}/{log['identifier']}")

    assert (await followed(link.json())).json()["request_body"] == "a"


async def test_a_link_is_for_one_log_only(account: Account, carriyo: httpx.AsyncClient) -> None:
    one, other = await logged(carriyo), await logged(carriyo)
    link: str = (await carriyo.get(f"{LOGS}/{one['identifier']}")).json()
    token = parse_qs(urlsplit(link).query)["token"][0]
    bearer = carriyo.headers["authorization"].removeprefix("Bearer ")
    content = f"{account.url}{LOGS}/{one['identifier']}/content"

    refused = [
        link.replace(one["identifier"], other["identifier"]),
        link.replace("A-1", "B-2"),
        link[:-1] + ("a" if link[-1] != "a" else "b"),
        link.replace(token, token.partition(".")[0] + ".e30."),
        content,
        f"{content}?token=",
        f"{content}?token=%FF%00",
        f"{content}?token={account.token}",
        f"{content}?token={bearer}",
    ]

    assert (await followed(link)).status_code == 200
    for url in refused:
        assert_error(await followed(url), 403)


async def test_a_link_that_has_expired_is_a_403(account: Account, carriyo: httpx.AsyncClient) -> None:
    log = await logged(carriyo)
    scope = f"read:orders:/A-1/system-logs/{log['identifier']}"
    async with open_services(account.dsn) as services:
        caller = replace(await services.access.by_bearer(account.token), scopes=(scope,))
        fresh, expired = (services.access.issue(caller, seconds=s, audience=AUDIENCE) for s in (60, -1))
    content = f"{account.url}{LOGS}/{log['identifier']}/content"

    assert (await followed(f"{content}?token={fresh}")).status_code == 200
    assert_error(await followed(f"{content}?token={expired}"), 403, about="ask for a new one")


async def test_the_token_of_a_link_is_no_credential(carriyo: httpx.AsyncClient) -> None:
    log = await logged(carriyo)
    link: str = (await carriyo.get(f"{LOGS}/{log['identifier']}")).json()
    token = parse_qs(urlsplit(link).query)["token"][0]

    assert_error(await carriyo.get(LOGS, headers={"Authorization": f"Bearer {token}"}), 401)


@pytest.mark.parametrize("identifier", ["0000000000000000001", "9999999999999999999", "1", "x", "%00", "0" * 300])
async def test_a_log_that_is_not_there_is_a_400(carriyo: httpx.AsyncClient, identifier: str) -> None:
    await logged(carriyo)

    assert_error(await carriyo.get(f"{LOGS}/{identifier}"), 400, about="identifier")


async def test_a_log_of_another_order_is_a_400_and_an_unknown_order_is_a_404(
    carriyo: httpx.AsyncClient, http: httpx.AsyncClient
) -> None:
    await http.post("/trail/v1/orders", json={"order_id": "B-2"})
    log = await logged(carriyo)

    assert_error(await carriyo.get(f"/orders/B-2/system-logs/{log['identifier']}"), 400, about="identifier")
    for path in (f"/orders/C-3/system-logs/{log['identifier']}", "/orders/C-3/system-logs"):
        assert_error(await carriyo.get(path), 404, about="C-3")
        assert_error(await carriyo.get(f"{path}?key=partner_order_reference"), 404, about="C-3")
