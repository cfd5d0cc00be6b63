"""Orders of which everything is told that there is to tell, and all interfaces that tell of them."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.acceptance.carriyo.fix_carriyo import headers_of, logged
from tests.acceptance.dintero.fix_dintero import token_of
from tests.acceptance.sendcloud.fix_sendcloud import INTEGRATIONS, new_log
from tests.fix_server import Account
from tests.native import amounts, an_order, append, comment, status

WORDS = 1_000
"""A body of so many repeats is kept beside the ledger."""
VERSIONS = 8
"""How many events an order has of which everything was told."""


@dataclass(frozen=True)
class Everything:
    """An account with clients of all dialects."""

    account: Account
    native: httpx.AsyncClient
    carriyo: httpx.AsyncClient
    sendcloud: httpx.AsyncClient
    dintero: httpx.AsyncClient

    async def tell(self, order_id: str, integration_id: int) -> dict[str, int]:
        """Tell everything of an order; return where what stands.

        What is told of its customer has "secret of" and the order's id in it, what is told of those who work on it has
        "staff of", and what is told of its integration's calls "call of".
        """
        customer = {"id": f"c, secret of {order_id}", "name": f"Ann, secret of {order_id}"}
        heir = {"id": f"d, secret of {order_id}", "name": f"Bea, secret of {order_id}"}
        person = {"id": f"u-{order_id}", "name": f"Kim, staff of {order_id}"}
        report = {"state": "success", "service": "wms", "service_status": "OK"}
        await an_order(self.native, order_id=order_id, customer=customer, totals=amounts())
        answer = await append(
            self.native,
            order_id,
            comment(f"Ring twice, secret of {order_id}", actor=person),
            {
                "type": "order.service_event_recorded",
                "data": {**report, "description": f"secret of {order_id}", "metadata": {"to": f"secret of {order_id}"}},
                "actor": person,
            },
            {
                "type": "order.cancellation_requested",
                "data": {"reason": "late", "performer_ip": f"::1, secret of {order_id}"},
                "actor": person,
            },
            status("open", actor=person),
            {"type": "order.transferred", "data": {"original_customer": customer, "new_customer": heir}},
        )
        assert answer.status_code == 201, answer.text
        names = ("commented", "reported", "asked", "updated", "transferred")
        told = dict(zip(names, (item["position"] for item in answer.json()["items"]), strict=True))
        await self.native.put(f"/trail/v1/integrations/{integration_id}", json={"shop_name": order_id})
        await self.native.put(f"/trail/v1/orders/{order_id}/integrations/{integration_id}")
        call = {"request_url": f"secret of {order_id}", "request_body": f"secret of {order_id} " * WORDS}
        log = await logged(self.carriyo, order_id, **call)
        failed = await new_log(
            self.sendcloud,
            integration_id,
            request={"to": f"call of {order_id}"},
            response={"said": f"call of {order_id} " * WORDS},
        )
        return {
            "created": told["commented"] - 1,
            **told,
            "logged": int(log["identifier"]),
            "failed": failed,
            "integration": integration_id,
        }

    async def read(self, order_id: str, told: dict[str, int], *, limit: int = 100) -> dict[str, httpx.Response]:
        """Return what each interface answers of an order. With another limit, no page is one that was read before."""
        order, integration = f"/trail/v1/orders/{order_id}", told["integration"]
        ever = {"at": "9000-01-01T00:00:00Z"}
        asked: dict[str, tuple[httpx.AsyncClient, str, dict[str, Any]]] = {
            "feed": (self.native, "/trail/v1/feed", {"limit": 1_000}),
            "timeline": (self.native, f"{order}/timeline", {"limit": limit}),
            "timeline, newest first": (self.native, f"{order}/timeline", {"limit": limit, "order": "desc"}),
            "order": (self.native, order, {}),
            "orders": (self.native, "/trail/v1/orders", {"limit": 100}),
            "version": (self.native, order, {"version": VERSIONS}),
            "at": (self.native, order, ever),
            "at, occurred": (self.native, order, {**ever, "clock": "occurred"}),
            "diff": (self.native, f"{order}/diff", {}),
            "failed calls": (self.native, f"/trail/v1/integrations/{integration}/logs", {}),
            "integration": (self.native, f"/trail/v1/integrations/{integration}", {}),
            "proofs": (self.native, f"{order}/proofs", {}),
            "inclusion": (self.native, "/trail/v1/ledger/proofs/inclusion", {"position": told["created"]}),
            "action logs": (self.native, f"/v1/orders/{order_id}/action_logs", {"limit": limit}),
            "shop's order": (self.native, f"/v1/orders/{order_id}", {}),
            "change logs": (self.carriyo, f"/orders/{order_id}/change-logs", {}),
            "system logs": (self.carriyo, f"/orders/{order_id}/system-logs", {}),
            "order events": (self.dintero, f"/{order_id}/events", {}),
            "logs": (self.sendcloud, f"{INTEGRATIONS}/{integration}/logs", {}),
            "all logs": (self.sendcloud, f"{INTEGRATIONS}/logs", {}),
        }
        return {name: await client.get(path, params=query) for name, (client, path, query) in asked.items()}

    async def read_call(self, order_id: str, told: dict[str, int]) -> httpx.Response:
        """Return what is answered to whoever follows the link to the whole of an order's call."""
        link = await self.carriyo.get(f"/orders/{order_id}/system-logs/{told['logged']:019}")
        return await self.carriyo.get(link.json()) if link.status_code == 200 else link


@pytest.fixture
async def everything(account: Account, http: httpx.AsyncClient) -> AsyncIterator[Everything]:
    """Clients of all dialects, for a tenant of the test's own."""
    async with AsyncExitStack() as stack:

        async def client(base_url: str = account.url, **settings: Any) -> httpx.AsyncClient:
            return await stack.enter_async_context(httpx.AsyncClient(base_url=base_url, timeout=30, **settings))

        pair = (account.key_id, account.secret)
        by_pair = await client(f"{account.url}/v1", auth=pair)
        token = {"Authorization": f"Bearer {await token_of(by_pair, account.dintero_account)}"}
        orders = f"{account.url}/v1/accounts/{account.dintero_account}/shopping/orders"
        yield Everything(
            account,
            http,
            carriyo=await client(headers=await headers_of(account, *pair)),
            sendcloud=await client(auth=pair),
            dintero=await client(orders, headers=token),
        )


def items_of(answer: httpx.Response) -> list[dict[str, Any]]:
    """Return the items of a list, whatever it calls them."""
    assert answer.status_code == 200, answer.text
    body = answer.json()
    items = body if isinstance(body, list) else next(body[name] for name in ("items", "data", "events") if name in body)
    assert isinstance(items, list)
    return items
