"""What Dintero's interface refuses, always in Dintero's form."""

import base64
from typing import Any

import httpx
import pytest

from api.bootstrap import open_services
from tests.acceptance.carriyo.fix_carriyo import headers_of
from tests.acceptance.dintero.fix_dintero import audience, error_of, listed, token_of
from tests.fix_server import Account

EVENT = {"state": "success", "service": "kitchen", "service_status": "ready_for_pickup"}


BODIES = [
    "",
    "null",
    "[]",
    '"text"',
    "{",
    "{}",
    '{"service": "a"}',
    '{"service": null, "service_status": "b"}',
    '{"service": "a", "service_status": 5}',
    '{"service": {}, "service_status": "b"}',
    '{"service": "a\\u0000", "service_status": "b"}',
    '{"service": "\\ud800", "service_status": "b"}',
    '{"service": "%s", "service_status": "b"}' % ("x" * 256),
    '{"service": "a", "service_status": "b", "state": "failed"}',
    '{"service": "a", "service_status": "b", "state": null}',
    '{"service": "a", "service_status": "b", "state": 1}',
    '{"service": "a", "service_status": "b", "description": ["c"]}',
    '{"service": "a", "service_status": "b", "description": "%s"}' % ("x" * 4_001),
    '{"service": "a", "service_status": "b", "metadata": []}',
    '{"service": "a", "service_status": "b", "metadata": "c"}',
    '{"service": "a", "service_status": "b", "metadata": {"c": NaN}}',
    '{"service": "a", "service_status": "b", "metadata": {"c": -Infinity}}',
    '{"service": "a", "service_status": "b", "metadata": {"c": 1e999}}',
    '{"service": "a", "service_status": "b", "metadata": {"c": %s}}' % ("9" * 10_000),
    '{"service": "a", "service_status": "b", "metadata": {"c\\u0000": 1}}',
    '{"service": "a", "service_status": "b", "metadata": {"c": ["\\udc00"]}}',
    '{"service": "a", "service_status": "b", "metadata": {"c": %s}}' % ("[" * 70 + "]" * 70),
    '{"service": "a", "service_status": "b", "metadata": {"c": %s}}' % ("[" * 100_000 + "]" * 100_000),
]


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
async def test_a_body_that_is_no_event_is_answered_400(shopping: httpx.AsyncClient, body: str) -> None:
    answer = await shopping.post("/A-1/events", content=body, headers={"Content-Type": "application/json"})

    error = error_of(answer, 400)
    assert error["code"] == "BAD REQUEST"
    assert all({"field", "message"} <= set(fault) for fault in error["errors"])
    assert await listed(shopping) == {"events": [], "state": "pending"}


async def test_bytes_that_are_no_text_are_answered_400(shopping: httpx.AsyncClient) -> None:
    body = b'{"service": "\xff\xfe"}'

    error_of(await shopping.post("/A-1/events", content=body, headers={"Content-Type": "application/json"}), 400)


async def test_a_body_that_is_not_sent_as_json_is_answered_415(shopping: httpx.AsyncClient) -> None:
    error_of(await shopping.post("/A-1/events", data={"service": "kitchen"}), 415)


@pytest.mark.parametrize("strange", ["%00", "a%20b", "%C3%A9", "%ff", "x" * 129])
async def test_an_id_that_no_order_can_have_is_answered_400(shopping: httpx.AsyncClient, strange: str) -> None:
    error_of(await shopping.get(f"/{strange}/events"), 400)
    error_of(await shopping.post(f"/{strange}/events", json=EVENT), 400)


@pytest.mark.parametrize("aid", ["T1", "X12345678", "t12345678", "T123456789", "T1234567x", "%D9%A1", "T12345678%0A"])
async def test_an_account_that_cannot_be_is_answered_400(
    dintero: httpx.AsyncClient, account: Account, aid: str
) -> None:
    headers = {"Authorization": f"Bearer {account.token}"}

    answer = await dintero.get(f"/accounts/{aid}/shopping/orders/A-1/events", headers=headers, auth=None)

    error_of(answer, 400)


async def test_another_account_is_forbidden_whatever_the_token(
    account: Account, dintero: httpx.AsyncClient, another_account: Any
) -> None:
    other = await another_account()
    path = f"/accounts/{other.dintero_account}/shopping/orders/A-1/events"

    for token in (account.token, await token_of(dintero, account.dintero_account)):
        headers = {"Authorization": f"Bearer {token}"}
        error_of(await dintero.get(path, headers=headers, auth=None), 403)
        error_of(await dintero.post(path, json=EVENT, headers=headers, auth=None), 403)


async def test_no_token_is_issued_for_another_account(
    account: Account, dintero: httpx.AsyncClient, another_account: Any
) -> None:
    own, others = account.dintero_account, (await another_account()).dintero_account

    for oid, aid in ((own, others), (others, own), (others, others), ("P123", others)):
        answer = await dintero.post(f"/accounts/{oid}/auth/token", json={"audience": audience(aid)})
        assert error_of(answer, 403)["code"] == "FORBIDDEN"


TOKEN_BODIES = [
    "",
    "{}",
    "[]",
    '{"audience": null}',
    '{"audience": 5}',
    '{"audience": "T12345678"}',
    '{"audience": "https://api.dintero.com/v1/accounts/T1"}',
    '{"audience": "https://api.dintero.com/v1/accounts/T12345678/x"}',
    '{"audience": "https://api.dintero.com/v1/accounts/T12345678\\u0000"}',
    '{"audience": "https://api.dintero.com\\ud800/v1/accounts/T12345678"}',
    '{"grant_type": "client_credentials"}',
    '{"grant_type": "password", "audience": "https://api.dintero.com/v1/accounts/T12345678"}',
]


@pytest.mark.parametrize("body", TOKEN_BODIES, ids=range(len(TOKEN_BODIES)))
async def test_a_token_request_that_is_none_is_answered_400(
    account: Account, dintero: httpx.AsyncClient, body: str
) -> None:
    path = f"/accounts/{account.dintero_account}/auth/token"

    error_of(await dintero.post(path, content=body, headers={"Content-Type": "application/json"}), 400)


@pytest.mark.parametrize("oid", ["T1", "P1234", "X123", "%00", "P%D9%A1%D9%A2%D9%A3"])
async def test_an_owner_that_cannot_be_is_answered_400(account: Account, dintero: httpx.AsyncClient, oid: str) -> None:
    body = {"audience": audience(account.dintero_account)}

    error_of(await dintero.post(f"/accounts/{oid}/auth/token", json=body), 400)


CREDENTIALS = ["", "Bearer x", "Basic", "Basic !", "Basic ü", "Basic " + base64.b64encode(b"no-colon").decode()]
CREDENTIALS += ["Basic " + base64.b64encode(pair).decode() for pair in (b"no:such", b"\xff:\xff", b"\x00:\x00", b":")]


@pytest.mark.parametrize("authorization", CREDENTIALS)
async def test_a_client_that_is_not_known_gets_no_token(
    account: Account, dintero: httpx.AsyncClient, authorization: str
) -> None:
    answer = await dintero.post(
        f"/accounts/{account.dintero_account}/auth/token",
        json={"audience": audience(account.dintero_account)},
        headers={"Authorization": authorization.encode("latin-1")},
        auth=None,
    )

    assert error_of(answer, 401)["code"] == "ACCESS FORBIDDEN"


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer a.b.c", "Bearer ot_x_y", "Bearer ü", "Basic eDp5"])
async def test_without_a_valid_token_the_answer_is_401(shopping: httpx.AsyncClient, authorization: str) -> None:
    headers = {"Authorization": authorization.encode("latin-1")}

    for answer in (
        await shopping.get("/A-1/events", headers=headers),
        await shopping.post("/A-1/events", json=EVENT, headers=headers),
    ):
        assert error_of(answer, 401)["code"] == "ACCESS FORBIDDEN"
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("seconds", "aid", "status"), [(60, None, 200), (-60, None, 401), (60, "T00000000", 401), (60, "", 401)]
)
async def test_a_token_is_good_for_its_time_and_its_audience(
    account: Account, shopping: httpx.AsyncClient, seconds: int, aid: str | None, status: int
) -> None:
    async with open_services(account.dsn) as services:
        caller = await services.access.by_secret(account.key_id, account.secret)
        wanted = audience(account.dintero_account if aid is None else aid)
        token = services.access.issue(caller, seconds=seconds, audience=wanted)

    answer = await shopping.get("/A-1/events", headers={"Authorization": f"Bearer {token}"})

    assert answer.status_code == status
    if status != 200:
        error_of(answer, status)


@pytest.mark.parametrize("order_id", ["a:b", "ANY", "..%3A", "a?b", "~"])
async def test_an_order_id_cannot_widen_a_scope(account: Account, http: httpx.AsyncClient, order_id: str) -> None:
    name = order_id.replace("%3A", ":")
    await http.post("/trail/v1/orders", json={"order_id": name})
    path = f"/v1/accounts/{account.dintero_account}/shopping/orders/{order_id.replace('?', '%3F')}/events"
    own = await account.key(f"write:shopping:/orders/{'A-9' if name == 'ANY' else name}/events")
    other = await account.key("write:shopping:/orders/A-1/events")

    by_own = await http.post(path, json=EVENT, headers={"Authorization": f"Bearer {own['token']}"})
    by_other = await http.post(path, json=EVENT, headers={"Authorization": f"Bearer {other['token']}"})
    by_any = await http.post(path, json=EVENT)

    assert by_own.status_code == (403 if name == "ANY" else 200)
    assert (by_other.status_code, by_any.status_code) == (403, 200)


async def test_a_slash_in_an_order_id_is_another_path(shopping: httpx.AsyncClient) -> None:
    assert error_of(await shopping.get("/a%2Fb/events"), 404)["code"] == "NOT FOUND"


async def test_other_paths_and_methods_are_refused_in_the_same_form(shopping: httpx.AsyncClient) -> None:
    error_of(await shopping.get("/A-1"), 404)
    assert error_of(await shopping.put("/A-1/events", json=EVENT), 405)["code"] == "METHOD NOT ALLOWED"


async def test_a_tenant_without_an_account_gets_no_token(http: httpx.AsyncClient, account: Account) -> None:
    async with open_services(account.dsn, as_owner=True) as services:
        name = f"{account.tenant}-bare"
        await services.credentials.create_tenant(name, is_implicit=True, dintero_account=None)
        key = await services.credentials.create_key(name, scopes=("admin",), name="bare")

    answer = await http.post(
        f"/v1/accounts/{account.dintero_account}/auth/token",
        json={"audience": audience(account.dintero_account)},
        auth=(key.key_id, key.secret),
    )

    error_of(answer, 403)


async def test_a_token_of_another_dialect_is_refused(
    account: Account, shopping: httpx.AsyncClient, http: httpx.AsyncClient
) -> None:
    carriyos = (await headers_of(account, account.key_id, account.secret))["Authorization"]
    own = shopping.headers["Authorization"]

    error_of(await shopping.get("/A-1/events", headers={"Authorization": carriyos}), 401)
    error_of(await shopping.post("/A-1/events", json=EVENT, headers={"Authorization": carriyos}), 401)
    for token in (own, carriyos):
        headers = {"Authorization": token, "x-api-key": account.key_id, "tenant-id": account.tenant}
        statuses = {
            path: (await http.get(path, headers=headers)).status_code
            for path in (
                "/orders/A-1/system-logs",
                "/v1/orders/A-1/action_logs",
                "/api/v3/integrations",
                "/trail/v1/feed",
            )
        }
        assert statuses.pop("/orders/A-1/system-logs") == (200 if token == carriyos else 401)
        assert set(statuses.values()) == {401}
