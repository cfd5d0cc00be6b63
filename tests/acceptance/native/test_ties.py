"""Integrations that are tied to orders, and what belongs together in an order's timeline."""

import asyncio
import secrets
import subprocess
from typing import Any

import httpx
import pytest

from tests.fix_server import ORDERTRAIL, Account
from tests.native import ORDERS, an_order, append, assert_problem, comment, new_id, pages, status


async def an_integration(http: httpx.AsyncClient) -> int:
    integration_id = secrets.randbelow(10**9) + 1
    answer = await http.put(f"/trail/v1/integrations/{integration_id}", json={"shop_name": "Books"})
    assert answer.status_code == 200
    return integration_id


async def log(account: Account, integration_id: int, exception_type: str) -> None:
    """Log an exception as Sendcloud's clients do."""
    body = {"base_url": "https://books.example", "exception_type": exception_type}
    async with httpx.AsyncClient(base_url=account.url, auth=(account.key_id, account.secret)) as client:
        answer = await client.post(f"/api/v3/integrations/{integration_id}/logs", json=body)
    assert answer.status_code == 201, answer.text


async def timeline(http: httpx.AsyncClient, order_id: str, **query: Any) -> list[str]:
    """Return what is in an order's timeline: types, and of exceptions their own."""
    items = await pages(http, f"{ORDERS}/{order_id}/timeline", **query)
    return [item["data"].get("exception_type") or item["type"] for item in items]


@pytest.fixture
async def order_id(http: httpx.AsyncClient) -> str:
    return await an_order(http)


async def test_exceptions_are_in_the_timeline_of_an_order_while_it_is_tied(
    account: Account, http: httpx.AsyncClient, order_id: str
) -> None:
    integration_id = await an_integration(http)
    path = f"{ORDERS}/{order_id}/integrations/{integration_id}"
    await log(account, integration_id, "Earlier")

    tied = await http.put(path)
    await log(account, integration_id, "SSLError")
    await append(http, order_id, status())
    untied = await http.delete(path)
    await log(account, integration_id, "Later")

    assert (tied.status_code, tied.json()["version"], tied.headers["etag"]) == (200, 2, '"2"')
    assert (untied.status_code, untied.json()["version"]) == (200, 4)
    ties = ["order.integration_tied", "SSLError", "order.integration_untied"]
    expected = ["order.created", *ties[:2], "order.status_updated", ties[2]]
    assert await timeline(http, order_id) == expected
    assert await timeline(http, order_id, kind="integration") == ties
    assert await timeline(http, order_id, order="desc", limit=2) == expected[::-1]


async def test_an_order_shows_what_it_is_tied_to(http: httpx.AsyncClient, order_id: str) -> None:
    first, second = await an_integration(http), await an_integration(http)
    for integration_id in (first, second, first):
        await http.put(f"{ORDERS}/{order_id}/integrations/{integration_id}")
    await http.delete(f"{ORDERS}/{order_id}/integrations/{second}")

    assert (await http.get(f"{ORDERS}/{order_id}")).json()["integrations"] == [first]


async def test_a_timeline_that_is_rebuilt_is_the_same(account: Account, http: httpx.AsyncClient, order_id: str) -> None:
    integration_id, other = await an_integration(http), await an_order(http, reference=f"ref-{order_id}")
    for name in (order_id, f"ref-{order_id}"):
        await http.put(f"{ORDERS}/{name}/integrations/{integration_id}")
        await log(account, integration_id, f"of {name}")
    before = [await timeline(http, order_id), await timeline(http, other)]

    command = [str(ORDERTRAIL), "rebuild", "timeline", "--dsn", account.dsn, "--tenant", account.tenant]
    await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True)

    assert [await timeline(http, order_id), await timeline(http, other)] == before
    assert before[1] == ["order.created", "order.integration_tied", f"of ref-{order_id}"]
    assert before[0][2:] == [f"of {order_id}", f"of ref-{order_id}"]


async def test_only_what_exists_is_tied(http: httpx.AsyncClient, order_id: str) -> None:
    integration_id = await an_integration(http)

    assert_problem(await http.put(f"{ORDERS}/{order_id}/integrations/{integration_id + 1}"), 404, "not-found")
    assert_problem(await http.put(f"{ORDERS}/{new_id()}/integrations/{integration_id}"), 404, "not-found")
    assert_problem(await http.delete(f"{ORDERS}/{new_id()}/integrations/{integration_id}"), 404, "not-found")
    assert_problem(await http.put(f"{ORDERS}/{order_id}/integrations/0"), 422, "invalid")
    assert_problem(await http.put(f"{ORDERS}/{order_id}/integrations/{2**63}"), 422, "invalid")


async def test_an_implicit_tenant_ties_what_is_yet_to_come(implicit_account: Account) -> None:
    headers = {"Authorization": f"Bearer {implicit_account.token}"}
    async with httpx.AsyncClient(base_url=implicit_account.url, headers=headers) as http:
        tied = await http.put(f"{ORDERS}/new/integrations/77")
        await log(implicit_account, 77, "SSLError")

        assert tied.status_code == 200
        assert await timeline(http, "new") == ["order.integration_tied", "SSLError"]


@pytest.mark.parametrize(
    ("scopes", "allowed"),
    [(("write:orders",), False), (("write:orders", "read:integrations"), True), (("read:integrations",), False)],
)
async def test_who_ties_may_write_the_order_and_read_the_integration(
    account: Account, http: httpx.AsyncClient, order_id: str, scopes: tuple[str, ...], allowed: bool
) -> None:
    integration_id = await an_integration(http)
    headers = {"Authorization": f"Bearer {(await account.key(*scopes))['token']}"}
    event = {"type": "order.integration_tied", "data": {"integration_id": integration_id}}

    tied = await http.put(f"{ORDERS}/{order_id}/integrations/{integration_id}", headers=headers)
    told = await http.post(f"{ORDERS}/{order_id}/events", json=event, headers=headers)

    assert (tied.is_success, told.is_success) == (allowed, allowed)
    if not allowed:
        assert_problem(tied, 403)
        assert_problem(told, 403)


async def test_the_same_key_ties_once(http: httpx.AsyncClient, order_id: str) -> None:
    path, key = f"{ORDERS}/{order_id}/integrations/{await an_integration(http)}", {"Idempotency-Key": new_id()}

    first, again = await http.put(path, headers=key), await http.put(path, headers=key)

    assert first.json() == again.json()
    assert again.headers["idempotency-replayed"] == "true"


async def test_what_has_the_same_correlation_id_is_one_group(http: httpx.AsyncClient, order_id: str) -> None:
    events = [comment("a", correlation_id="job-1"), comment("b"), comment("c", correlation_id="job-2")]
    events += [comment("d", correlation_id="job-1"), comment("e", correlation_id="job-2")]
    await append(http, order_id, *events)

    items = await pages(http, f"{ORDERS}/{order_id}/timeline", limit=2)

    first = items[0]["position"]
    assert [item["group"] - first for item in items] == [0, 1, 2, 3, 1, 3]
    newest_first = await pages(http, f"{ORDERS}/{order_id}/timeline", order="desc")
    assert newest_first == items[::-1]


async def test_a_timeline_can_be_asked_for_one_group(http: httpx.AsyncClient, order_id: str) -> None:
    await append(http, order_id, comment("a", correlation_id="job 1/é"), comment("b"))
    await append(http, order_id, comment("c", correlation_id="job 1/é"))

    items = await pages(http, f"{ORDERS}/{order_id}/timeline", correlation_id="job 1/é")

    assert [item["data"]["text"] for item in items] == ["a", "c"]
    assert await timeline(http, order_id, correlation_id="job") == []


async def test_a_group_is_of_one_order(http: httpx.AsyncClient, order_id: str) -> None:
    other = await an_order(http)
    await append(http, order_id, comment("a", correlation_id="job-1"))
    await append(http, other, comment("b", correlation_id="job-1"))

    items = await pages(http, f"{ORDERS}/{other}/timeline", correlation_id="job-1")

    assert [item["group"] for item in items] == [item["position"] for item in items]
    assert len(items) == 1
