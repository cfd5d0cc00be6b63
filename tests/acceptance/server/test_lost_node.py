"""While a node of the cluster is lost, the server refuses its tenants, serves the others, and says so."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import httpx
import pytest

from api.cli.maintenance import create_key
from tests.fix_server import running
from tests.lost_node import gone, hanging, open_shop

pytestmark = pytest.mark.citus

EVENT = {"type": "order.comment_added", "data": {"text": "a"}}


async def headers_of(dsn: str, tenant: str) -> dict[str, str]:
    key = await create_key(dsn, tenant, scopes=("admin",), name="Test")
    return {"Authorization": f"Bearer {key['token']}"}


async def until(client: httpx.AsyncClient, status: str) -> dict[str, Any]:
    """Return what /readyz says once it says this."""
    while (said := (await client.get("/readyz")).json()).get("status") != status:
        pass
    return dict(said)


@pytest.mark.parametrize("lose", [gone, hanging])
async def test_a_lost_nodes_tenants_are_refused_and_the_others_served(
    dsn: str, lose: Callable[[str], AbstractContextManager[None]]
) -> None:
    async with open_shop(dsn) as shop:
        with running(dsn) as server:
            lost, other = [await headers_of(dsn, tenant) for tenant in (shop.lost, shop.other)]
            async with httpx.AsyncClient(base_url=server.url, timeout=30) as client:
                for headers in (lost, other):
                    created = await client.post("/trail/v1/orders/A-1/events", json=EVENT, headers=headers)
                    assert created.status_code == 201

                with lose(shop.node):
                    said = await until(client, "degraded")
                    append = await client.post("/trail/v1/orders/A-1/events", json=EVENT, headers=lost)
                    read = await client.get("/trail/v1/orders/A-1/timeline", headers=lost)
                    served = await client.post("/trail/v1/orders/A-1/events", json=EVENT, headers=other)
                    shown = await client.get("/trail/v1/orders/A-1/timeline", headers=other)

                back = await until(client, "ok")
                again = await client.get("/trail/v1/orders/A-1/timeline", headers=lost)

    [tenants] = said["lost_nodes"].values()
    assert tenants == next(len(found) for found in shop.places.values() if shop.lost in found)
    assert [append.status_code, read.status_code] == [503, 503]
    assert append.headers["retry-after"]
    assert read.headers["retry-after"]
    assert [served.status_code, len(shown.json()["items"])] == [201, 2]
    assert back["lost_nodes"] == {}
    assert len(again.json()["items"]) == 1
