"""Who may do what: credentials, scopes, tenants."""

from collections.abc import Callable, Coroutine
from typing import Any

import httpx
import psycopg
import pytest

from domain.values import Actor
from tests.fix_server import Account
from tests.native import ORDERS, amounts, an_order, append, assert_problem, comment, status

AnotherAccount = Callable[[], Coroutine[Any, Any, Account]]


def with_token(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "Bearer",
        "Bearer x",
        "Bearer ot_",
        "Bearer ot_0123_4567",
        "Bearer a.b.c",
        "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.",
        "Basic eDp5",
        "Digest x",
        "Bearer " + "x" * 8_000,
    ],
)
async def test_a_request_without_a_valid_credential_is_a_401(account: Account, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    async with httpx.AsyncClient(base_url=account.url, headers=headers) as http:
        for path in (ORDERS, f"{ORDERS}/A-1", "/trail/v1/feed", "/trail/v1/ledger"):
            response = await http.get(path)

            assert_problem(response, 401, "unauthenticated")
            assert response.headers["www-authenticate"] == "Bearer"
        assert_problem(await http.post(ORDERS, json={}), 401, "unauthenticated")


async def test_a_token_with_another_secret_is_a_401(http: httpx.AsyncClient, account: Account) -> None:
    secret = account.secret[:-1] + ("0" if account.secret[-1] != "0" else "1")

    response = await http.get(ORDERS, headers=with_token(f"ot_{account.key_id}_{secret}"))

    assert_problem(response, 401)


async def test_an_expired_credential_is_a_401(http: httpx.AsyncClient, account: Account) -> None:
    key = await account.key("admin")
    statement = "UPDATE ordertrail.credentials SET expires_at = now() - interval '1 second' WHERE key_id = %s"
    async with await psycopg.AsyncConnection.connect(account.dsn, autocommit=True) as connection:
        await connection.execute(statement, [key["key_id"]])

    response = await http.get(ORDERS, headers=with_token(key["token"]))

    assert_problem(response, 401, "unauthenticated")
    assert "expired" in response.json()["detail"]


async def test_each_scope_opens_what_it_names_and_nothing_else(http: httpx.AsyncClient, account: Account) -> None:
    order_id = await an_order(http, totals=amounts())
    requests: dict[str, list[tuple[str, str, Any]]] = {
        "read:orders": [("GET", p, None) for p in (ORDERS, f"{ORDERS}/{order_id}", f"{ORDERS}/{order_id}/timeline")],
        "write:orders": [
            ("POST", ORDERS, {}),
            ("POST", f"{ORDERS}/{order_id}/events", status()),
            ("POST", f"{ORDERS}/{order_id}/edit", {"totals": amounts(9_000)}),
            ("POST", f"{ORDERS}/{order_id}/transfer", {"customer": {"id": "c-2"}}),
            ("POST", f"{ORDERS}/{order_id}/split", {"totals": amounts(1_000)}),
        ],
        "read:ledger": [("GET", "/trail/v1/feed", None), ("GET", "/trail/v1/ledger", None)],
        "write:integrations": [("PUT", "/trail/v1/integrations/7", {})],
    }

    for granted in requests:
        headers = with_token((await account.key(granted))["token"])
        for needed, them in requests.items():
            for method, path, body in them:
                response = await http.request(method, path, json=body, headers=headers)

                if needed == granted:
                    assert response.status_code in {200, 201}, (granted, path)
                else:
                    assert_problem(response, 403, "forbidden")
                    assert needed in response.json()["detail"]


@pytest.mark.parametrize(
    ("scope", "status_code"), [("read", 200), ("admin", 200), ("admin:orders", 200), ("write", 403)]
)
async def test_a_scope_stands_for_what_is_below_it(
    http: httpx.AsyncClient, account: Account, scope: str, status_code: int
) -> None:
    key = await account.key(scope)

    assert (await http.get(ORDERS, headers=with_token(key["token"]))).status_code == status_code


READS = ("", "/{}", "/{}/timeline", "/{}/diff")


@pytest.mark.parametrize("scope", ["viewer", "support"])
async def test_people_who_look_read_everything_and_change_nothing(
    http: httpx.AsyncClient, account: Account, scope: str
) -> None:
    order_id = await an_order(http, totals=amounts())
    assert (await http.put("/trail/v1/integrations/7", json={})).status_code == 200
    token = (await account.key(scope))["token"]
    changes: list[tuple[str, str, Any]] = [
        ("POST", ORDERS, {}),
        ("POST", f"{ORDERS}/{order_id}/events", status()),
        ("POST", f"{ORDERS}/{order_id}/events", {"events": [comment("Called"), status()]}),
        ("POST", f"{ORDERS}/{order_id}/edit", {"totals": amounts(9_000)}),
        ("PUT", f"{ORDERS}/{order_id}/integrations/7", None),
        ("PUT", "/trail/v1/integrations/7", {}),
        ("PUT", "/trail/v1/retention", {"bodies_days": 1}),
        ("PATCH", f"/v1/orders/{order_id}/status", {"status": "completed"}),
    ]
    async with httpx.AsyncClient(base_url=account.url, headers=with_token(token), timeout=30) as theirs:
        for path in (f"{ORDERS}{path.format(order_id)}" for path in READS):
            assert (await theirs.get(path)).status_code == 200, path
        for path in ("/trail/v1/feed", "/trail/v1/ledger", "/trail/v1/retention", "/trail/v1/integrations/7"):
            assert (await theirs.get(path)).status_code == 200, path
        for method, path, body in changes:
            assert (await theirs.request(method, path, json=body)).status_code == 403, path

    assert (await http.get(f"{ORDERS}/{order_id}")).json()["version"] == 1


async def test_support_comments_on_orders_in_its_own_name(http: httpx.AsyncClient, account: Account) -> None:
    order_id = await an_order(http)
    kim = Actor(id="u-7", name="Kim", type="User")
    token = (await account.key("support", performer=kim))["token"]
    remark = {"type": "order.delivery_remark_created", "data": {"text": "Ring twice"}}
    message = {"text": "Refunded by hand", "is_private": True}

    async with httpx.AsyncClient(base_url=account.url, headers=with_token(token), timeout=30) as theirs:
        assert (await append(theirs, order_id, comment("Called"))).status_code == 201
        assert (await append(theirs, order_id, comment("Called again"), remark)).status_code == 201
        assert (await theirs.post(f"/v1/orders/{order_id}/messages", json=message)).status_code == 200
        anothers = await append(theirs, order_id, comment("It was I", actor={"id": "u-8", "name": "Bo"}))
        timeline = (await theirs.get(f"{ORDERS}/{order_id}/timeline")).json()["items"]

    assert_problem(anothers, 403, "forbidden")
    assert [entry["actor"]["name"] for entry in timeline[1:]] == ["Kim"] * 4


async def test_a_viewer_does_not_comment(http: httpx.AsyncClient, account: Account) -> None:
    order_id = await an_order(http)
    headers = with_token((await account.key("viewer"))["token"])

    for path, body in (
        (f"{ORDERS}/{order_id}/events", comment("Called")),
        (f"/v1/orders/{order_id}/messages", {"text": "Called"}),
    ):
        assert (await http.post(path, json=body, headers=headers)).status_code == 403


async def test_a_scope_for_one_orders_comments_is_for_that_order(http: httpx.AsyncClient, account: Account) -> None:
    order_id, other_id = await an_order(http), await an_order(http)
    headers = with_token((await account.key(f"write:orders:/{order_id}/comments"))["token"])

    assert (await append(http, order_id, comment("Called"), **headers)).status_code == 201
    assert_problem(await append(http, other_id, comment("Called"), **headers), 403, "forbidden")


async def test_another_tenant_sees_and_changes_nothing(
    http: httpx.AsyncClient, another_account: AnotherAccount
) -> None:
    order_id = await an_order(http, totals=amounts(), customer={"id": "c-1"})
    other = await another_account()
    async with httpx.AsyncClient(base_url=other.url, headers=with_token(other.token)) as theirs:
        for path in ("", "/timeline"):
            assert_problem(await theirs.get(f"{ORDERS}/{order_id}{path}"), 404, "not-found")
        assert_problem(await append(theirs, order_id, status()), 404, "not-found")
        for path, body in (("edit", {"totals": amounts()}), ("transfer", {"customer": {"id": "c-2"}})):
            assert_problem(await theirs.post(f"{ORDERS}/{order_id}/{path}", json=body), 404, "not-found")
        assert_problem(await theirs.post(f"{ORDERS}/{order_id}/split", json={"totals": amounts(1)}), 404, "not-found")
        assert (await theirs.get(ORDERS)).json()["items"] == []
        assert (await theirs.get(ORDERS, params={"text": order_id})).json()["items"] == []
        assert (await theirs.get("/trail/v1/feed")).json() == {"items": [], "next": 0}
        assert (await theirs.get("/trail/v1/ledger")).json()["head"] == 0

    assert (await http.get(f"{ORDERS}/{order_id}")).json()["version"] == 1


async def test_tenants_may_use_the_same_ids(http: httpx.AsyncClient, another_account: AnotherAccount) -> None:
    other = await another_account()
    body = {"order_id": "A-1", "event_id": "e-1"}

    ours = await http.post(ORDERS, json={**body, "reference": "ours"})
    theirs = await http.post(ORDERS, json={**body, "reference": "theirs"}, headers=with_token(other.token))

    assert (ours.status_code, theirs.status_code) == (201, 201)
    assert (await http.get(f"{ORDERS}/A-1")).json()["reference"] == "ours"
