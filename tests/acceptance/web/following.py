"""Who follows a shop's ledger, and could not handle something of it."""

import asyncio
import time
from typing import Any

from tests.acceptance.web.fix_web import Shop


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


async def a_webhook_that_fails(shop: Shop) -> tuple[str, str]:
    """Subscribe an address that does not exist to an order of its own. Return the order and the webhook, which have
    been tried.
    """
    order_id = shop.new_order()
    wanted = {"url": "https://hooks.shop.invalid/orders", "from": "now", "filter": {"orders": [order_id]}}
    webhook_id: str = shop.post("/trail/v1/webhooks", wanted)["id"]
    shop.append(order_id, "order.status_updated", status="confirmed")
    deadline = time.monotonic() + 30
    while not shop.get(f"/trail/v1/webhooks/{webhook_id}/attempts")["items"]:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)
    return order_id, webhook_id
