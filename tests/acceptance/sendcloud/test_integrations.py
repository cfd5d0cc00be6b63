"""Sendcloud's integrations, and since when they fail."""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.acceptance.sendcloud.fix_sendcloud import INTEGRATIONS, assert_error, new_log, recover, register
from tests.fix_server import Account
from tests.paths import ROOT

FIXTURES = ROOT / "tests" / "fixtures" / "sendcloud"
DOCUMENTED: dict[str, Any] = json.loads((FIXTURES / "integration.json").read_text())["data"]
NATIVE = "/trail/v1/integrations"
OWN = {"id", "created_at", "updated_at", "started_failing_at"}
"""What an integration's registration does not set."""


async def get(sendcloud: httpx.AsyncClient, integration_id: int = 123) -> dict[str, Any]:
    answer = await sendcloud.get(f"{INTEGRATIONS}/{integration_id}")
    assert answer.status_code == 200, answer.text
    assert answer.json().keys() == {"data"}
    data: dict[str, Any] = answer.json()["data"]
    return data


async def failing_since(sendcloud: httpx.AsyncClient, http: httpx.AsyncClient) -> str | None:
    """Return since when the integration fails, which all ways to look at it agree upon."""
    since: str | None = (await get(sendcloud))["started_failing_at"]
    [listed] = (await sendcloud.get(INTEGRATIONS)).json()["data"]
    assert since == listed["started_failing_at"] == (await http.get(f"{NATIVE}/123")).json()["started_failing_at"]
    return since


async def test_the_documents_own_integration_is_answered_as_the_document_has_it(
    sendcloud: httpx.AsyncClient, http: httpx.AsyncClient
) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    await register(http, DOCUMENTED["id"], **{name: value for name, value in DOCUMENTED.items() if name not in OWN})
    await new_log(sendcloud, DOCUMENTED["id"], created_at=DOCUMENTED["started_failing_at"])

    found = await get(sendcloud, DOCUMENTED["id"])

    assert list(found) == list(DOCUMENTED)
    clocks = {"created_at", "updated_at"}
    assert {n: v for n, v in found.items() if n not in clocks} == {
        n: v for n, v in DOCUMENTED.items() if n not in clocks
    }
    assert before < datetime.fromisoformat(found["created_at"]) < datetime.fromisoformat(found["updated_at"])


async def test_what_was_not_registered_is_as_if_it_were_switched_off(sendcloud: httpx.AsyncClient) -> None:
    found = await get(sendcloud)

    assert {name: value for name, value in found.items() if name not in {"created_at", "updated_at"}} == {
        "id": 123,
        "shop_name": "Example",
        "type": "api",
        "started_failing_at": None,
        "last_fetched_at": None,
        "service_point_enabled": False,
        "service_point_carriers": [],
        "webhook_active": False,
        "webhook_url": None,
        "feedback_type": "none",
    }
    assert found["created_at"] == found["updated_at"]
    assert (await sendcloud.get(INTEGRATIONS)).json() == {"data": [found]}


@pytest.mark.parametrize("shop_url", [None, ""])
async def test_texts_of_the_schema_are_texts_or_left_out(
    sendcloud: httpx.AsyncClient, http: httpx.AsyncClient, shop_url: str | None
) -> None:
    await register(http, 123, shop_name="x" * 255, shop_url=shop_url)

    found = await get(sendcloud)

    assert "shop_url" not in found
    assert found["shop_name"] == "x" * 250
    assert all(isinstance(found[name], str) for name in ("type", "created_at", "updated_at", "feedback_type"))


@pytest.mark.parametrize(
    "value", [None, True, 0, 1.5, "", "x", [], [1, None, "ups"], {}, {"a": 1}, "2023-13-01T00:00:00Z"]
)
async def test_details_of_any_shape_do_no_harm(
    sendcloud: httpx.AsyncClient, http: httpx.AsyncClient, value: Any
) -> None:
    settable = [name for name in DOCUMENTED if name not in {"shop_name", "shop_url"}]
    await register(http, 123, **dict.fromkeys(settable, value))

    found = await get(sendcloud)

    for name in ("service_point_enabled", "webhook_active"):
        assert found[name] is (value is True)
    assert found["id"] == 123
    assert found["type"]
    assert found["last_fetched_at"] is found["started_failing_at"] is None
    assert all(isinstance(carrier, str) for carrier in found["service_point_carriers"])
    assert found["feedback_type"] == "none"


async def test_an_integration_that_only_logged_has_a_name(implicit_account: Account) -> None:
    auth = (implicit_account.key_id, implicit_account.secret)
    async with httpx.AsyncClient(base_url=implicit_account.url, auth=auth) as client:
        assert_error(await client.get(f"{INTEGRATIONS}/9"), 404, "not_found")
        await new_log(client, 9, created_at="2023-03-01T02:02:00+01:00")

        found = await get(client, 9)

    assert (found["shop_name"], found["started_failing_at"]) == ("Integration #9", "2023-03-01T01:02:00Z")
    assert datetime.fromisoformat(found["created_at"]) > datetime.now(UTC) - timedelta(minutes=1)


async def test_an_integration_fails_from_its_first_exception_until_it_recovers(
    sendcloud: httpx.AsyncClient, http: httpx.AsyncClient
) -> None:
    assert await failing_since(sendcloud, http) is None

    await new_log(sendcloud, created_at="2023-03-01T02:02:00+01:00")
    await new_log(sendcloud)
    assert await failing_since(sendcloud, http) == "2023-03-01T01:02:00Z"

    # Told late, but it occurred before.
    await new_log(sendcloud, created_at="2023-02-01T00:00:00Z")
    assert await failing_since(sendcloud, http) == "2023-02-01T00:00:00Z"

    assert (await recover(http)).status_code == 201
    assert await failing_since(sendcloud, http) is None

    await new_log(sendcloud, created_at="2024-01-01T00:00:00Z")
    assert await failing_since(sendcloud, http) == "2024-01-01T00:00:00Z"


async def test_registering_anew_says_nothing_about_an_integrations_health(
    sendcloud: httpx.AsyncClient, http: httpx.AsyncClient
) -> None:
    await new_log(sendcloud, created_at="2023-03-01T02:02:00+01:00")
    before = await get(sendcloud)

    await register(http, 123, shop_name="Renamed")

    after = await get(sendcloud)
    assert after["shop_name"] == "Renamed"
    assert after["started_failing_at"] == "2023-03-01T01:02:00Z"
    assert after["created_at"] == before["created_at"]
    assert after["updated_at"] > before["updated_at"]


async def test_updated_at_tells_of_changes_only(sendcloud: httpx.AsyncClient, http: httpx.AsyncClient) -> None:
    await new_log(sendcloud, created_at="2023-03-01T02:02:00+01:00")
    before = await get(sendcloud)

    await new_log(sendcloud)
    await register(http, 123, shop_name="Example")

    assert await get(sendcloud) == before


@pytest.mark.parametrize("id_", ["0", "-1", "x", "1.5", "1_0", str(2**63), "9" * 5000, "%00"])
async def test_an_id_that_cannot_be_one_is_a_400(sendcloud: httpx.AsyncClient, id_: str) -> None:
    for path in (f"{INTEGRATIONS}/{id_}", f"{INTEGRATIONS}/{id_}/logs"):
        answer = await sendcloud.get(path)

        assert answer.status_code == 400
        assert answer.json()["errors"][0]["source"] == {"parameter": "id"}


async def test_an_unknown_integration_is_a_404_and_none_are_an_empty_list(
    sendcloud: httpx.AsyncClient, another_account: Callable[[], Awaitable[Account]]
) -> None:
    other = await another_account()
    auth = (other.key_id, other.secret)

    assert_error(await sendcloud.get(f"{INTEGRATIONS}/124"), 404, "not_found")
    assert_error(await sendcloud.get(f"{INTEGRATIONS}/123", auth=auth), 404, "not_found")
    assert (await sendcloud.get(INTEGRATIONS, auth=auth)).json() == {"data": []}
    assert_error(await sendcloud.patch(f"{INTEGRATIONS}/123", json={}), 405, "method_not_allowed")


async def test_integrations_are_sorted_as_asked_for(http: httpx.AsyncClient, sendcloud: httpx.AsyncClient) -> None:
    await register(http, 3, type="woo", last_fetched_at="2023-01-02T00:00:00+01:00")
    await register(http, 1, type="api", last_fetched_at="2023-01-02T00:00:00Z")
    await register(http, 2, type="magento")
    await new_log(sendcloud, 2, created_at="2023-01-02T00:00:00Z")
    await new_log(sendcloud, 1, created_at="2023-01-01T00:00:00Z")

    async def order(sort: str | None = None) -> list[int]:
        answer = await sendcloud.get(INTEGRATIONS, params={} if sort is None else {"sort": sort})
        assert answer.status_code == 200
        return [integration["id"] for integration in answer.json()["data"]]

    by_default = [3, 1, 123, 2]
    assert await order() == by_default
    assert await order("created_at") == [123, 3, 1, 2]
    assert await order("-created_at") == [2, 1, 3, 123]
    assert await order("updated_at") == [123, 3, 2, 1]
    assert await order("-updated_at") == [1, 2, 3, 123]
    for name in ("failing_since", "started_failing_at"):
        assert await order(name) == [1, 2, 3, 123]
        assert await order(f"-{name}") == [2, 1, 3, 123]
    for name in ("last_fetch", "last_fetched_at"):
        assert await order(name) == [3, 1, 2, 123]
        assert await order(f"-{name}") == [1, 3, 2, 123]
    for name in ("integration_type", "type"):
        assert await order(name) == [1, 123, 2, 3]
        assert await order(f"-{name}") == [3, 2, 1, 123]
    for ignored in ("", "-", "shop_name", "--created_at", "x" * 5_000, "\x00"):
        assert await order(ignored) == by_default
