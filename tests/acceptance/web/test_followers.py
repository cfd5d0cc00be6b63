"""Consumers and webhooks on the ledger's pages: how far they are, what they refused, and what was sent."""

import asyncio
import time
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect

from tests.acceptance.web.fix_web import Shop, Visit

pytestmark = pytest.mark.asyncio(loop_scope="session")


def a_consumer_that_refused(shop: Shop, name: str) -> str:
    """Define a consumer of an order of its own, refuse that order's second event, and return the order."""
    order_id = shop.new_order()
    shop.append(order_id, "order.status_updated", status="confirmed")
    consumer = f"/trail/v1/consumers/{name}"
    with shop.client() as http:
        wanted = {"from": "start", "max_failures": 1, "filter": {"orders": [order_id]}}
        http.put(consumer, json=wanted).raise_for_status()
        fetched = http.post(f"{consumer}/fetch", json={"member": "one"}).raise_for_status().json()
        first, second = map(place_of, fetched["items"])
        refused = {**second, "delay_seconds": 0, "reason": "no such invoice"}
        told = {"member": "one", "acknowledged": [first], "refused": [refused]}
        http.post(f"{consumer}/fetch", json=told).raise_for_status()
    return order_id


def place_of(item: dict[str, Any]) -> dict[str, Any]:
    return {key: item[key] for key in ("partition", "token", "position")}


async def test_a_parked_order_is_retried_and_dropped_from_the_page(visit: Visit, shop: Shop) -> None:
    order_id = a_consumer_that_refused(shop, "billing")
    page = await visit.open("/ui/ledger")
    page.on("dialog", lambda dialog: dialog.accept())
    await expect(page.locator("tr", has_text="billing")).to_contain_text("Parked")
    await page.get_by_role("link", name="billing").click()
    await expect(page.locator("tr", has_text=order_id)).to_contain_text("no such invoice")
    await expect(page.locator("tr", has_text="one")).to_contain_text("Live")
    assert (await Axe().run(page)).violations_count == 0

    await page.get_by_role("button", name=f"Retry {order_id}").click()
    await expect(page.locator("tr", has_text=order_id)).to_contain_text("Waits")
    await page.get_by_role("button", name=f"Drop {order_id}").click()

    await expect(page.locator("tr", has_text=order_id)).to_contain_text("Goes on")
    with shop.client() as http:
        assert http.get("/trail/v1/consumers/billing/parked").json()["items"] == []
        http.delete("/trail/v1/consumers/billing").raise_for_status()


async def test_an_attempt_is_shown_and_sent_again_from_the_page(visit: Visit, shop: Shop) -> None:
    order_id = shop.new_order()
    url = "https://hooks.shop.invalid/orders"
    hook = shop.post("/trail/v1/webhooks", {"url": url, "from": "now", "filter": {"orders": [order_id]}})
    shop.append(order_id, "order.status_updated", status="confirmed")
    path = f"/trail/v1/webhooks/{hook['id']}"
    await until_attempted(shop, path)

    page = await visit.open(f"/ui/ledger/webhooks/{hook['id']}")
    await expect(page.get_by_role("heading", name=url)).to_be_visible()
    await expect(page.get_by_text("Failing", exact=True)).to_be_visible()
    await page.locator("details.attempt summary").first.click()
    await expect(page.locator("details.attempt").first).to_contain_text(order_id)
    assert (await Axe().run(page)).violations_count == 0
    await page.get_by_role("button", name="Send it again").first.click()

    await expect(page.locator("details.attempt", has_text="resend")).to_have_count(1)
    with shop.client() as http:
        http.delete(path).raise_for_status()


async def until_attempted(shop: Shop, path: str) -> None:
    """Wait until something was sent, or tried to be."""
    deadline = time.monotonic() + 30
    while not shop.get(f"{path}/attempts")["items"]:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)
