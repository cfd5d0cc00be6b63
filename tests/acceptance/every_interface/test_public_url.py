"""Links in answers have the address that the server is configured with, never one that a client names."""

import os

import httpx
import pytest

from tests.acceptance.carriyo.fix_carriyo import headers_of, logged
from tests.acceptance.sendcloud.fix_sendcloud import LOGS, new_log
from tests.fix_server import new_account, running
from tests.native import an_order

HOSTS = ({}, {"Host": "evil.example"}, {"Host": "evil.example", "X-Forwarded-Host": "evil.example"})


async def test_links_have_the_configured_address(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "ORDERTRAIL_PUBLIC_URL", "https://trail.example.com/shop/")
    with running(dsn) as server:
        account = await new_account(server)
        pair = (account.key_id, account.secret)
        own = {"Authorization": f"Bearer {account.token}"}
        async with (
            httpx.AsyncClient(base_url=server.url, headers=own) as http,
            httpx.AsyncClient(base_url=server.url, auth=pair) as sendcloud,
            httpx.AsyncClient(base_url=server.url, headers=await headers_of(account, *pair)) as carriyo,
        ):
            await an_order(http, order_id="A-1")
            await http.put("/trail/v1/integrations/123", json={})
            log = await logged(carriyo, "A-1")
            for _ in range(2):
                await new_log(sendcloud)

            for headers in HOSTS:
                link = await carriyo.get(f"/orders/A-1/system-logs/{log['identifier']}", headers=headers)
                page = await sendcloud.get(LOGS, params={"page_size": 1}, headers=headers)

                assert link.json().startswith("https://trail.example.com/shop/orders/A-1/system-logs/")
                assert page.headers["link"].startswith(f"<https://trail.example.com/shop{LOGS}?")
