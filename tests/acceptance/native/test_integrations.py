"""Integrations: registered, described anew, and part of the ledger."""

import httpx

from tests.native import assert_problem

INTEGRATIONS = "/trail/v1/integrations"


async def test_an_integration_is_registered_and_described_anew(http: httpx.AsyncClient) -> None:
    first = await http.put(f"{INTEGRATIONS}/7", json={"shop_name": "Books", "shop_url": "https://books.example"})
    second = await http.put(f"{INTEGRATIONS}/7", json={"shop_name": "More books", "system": {"name": "shop", "v": [1]}})

    assert first.json() == {"integration_id": 7, "version": 1, "position": 1}
    assert second.json() == {"integration_id": 7, "version": 2, "position": 2}
    assert second.headers["ordertrail-position"] == "2"
    event = (await http.get("/trail/v1/feed", params={"after": 1})).json()["items"][0]
    assert event["type"] == "integration.registered"
    assert event["data"] == {"shop_name": "More books", "details": {"system": {"name": "shop", "v": [1]}}}


async def test_a_replayed_key_registers_an_integration_once(http: httpx.AsyncClient) -> None:
    key = {"Idempotency-Key": "key-1"}

    first, again = [await http.put(f"{INTEGRATIONS}/7", json={"shop_name": "Books"}, headers=key) for _ in range(2)]

    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert_problem(await http.put(f"{INTEGRATIONS}/7", json={}, headers=key), 422, "key-reused")


async def test_an_integration_id_is_a_positive_64_bit_number(http: httpx.AsyncClient) -> None:
    assert (await http.put(f"{INTEGRATIONS}/{2**63 - 1}", json={})).status_code == 200
    for integration_id in ("0", "-1", str(2**63), "9" * 400, "x", "1.0", "1_0", "%00", "１"):
        assert_problem(await http.put(f"{INTEGRATIONS}/{integration_id}", json={}), 422)


async def test_details_that_cannot_be_kept_are_refused(http: httpx.AsyncClient) -> None:
    for body in ({"a": "\x00"}, {"\x00": 1}, {"shop_name": 7}, {"shop_name": "x" * 256}, {"details": "\x00"}, []):
        assert_problem(await http.put(f"{INTEGRATIONS}/7", json=body), 422)
