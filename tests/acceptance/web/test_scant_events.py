"""Pages show events that tell as little as they may, and numbers that nobody has measured."""

import html
import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from application.orders.bulk import is_tellable
from domain.events.catalogue import CATALOGUE
from domain.events.order_event import OrderEvent
from domain.order import DECISIONS
from tests.fix_server import Account
from tests.native import an_order, append
from tests.samples import one_of_each

ACTORS: list[dict[str, Any] | None] = [None, {}, {"id": "u-7"}, {"name": "Kim"}, {"type": "User"}]


def least(type_: str, data: dict[str, Any]) -> dict[str, Any]:
    """Return an event's data without whatever may be left out."""
    fields = CATALOGUE[type_].model_fields
    return {name: value for name, value in data.items() if fields[name].is_required()}


def scant_facts() -> Iterator[dict[str, Any]]:
    """Yield facts of every type about an order, by actors of whom little is known."""
    for number, recorded in enumerate(one_of_each()):
        event_class = CATALOGUE[recorded.type]
        if issubclass(event_class, OrderEvent) and event_class not in DECISIONS and is_tellable(event_class):
            data = least(recorded.type, json.loads(recorded.data))
            yield {"type": recorded.type, "data": data, "actor": ACTORS[number % len(ACTORS)]}


@pytest.fixture
async def pages(account: Account, http: httpx.AsyncClient) -> httpx.AsyncClient:
    """A browser of somebody who is signed in."""
    assert (await http.post("/ui/sign-in", data={"token": account.token})).status_code == 303
    return http


async def look_at_all(pages: httpx.AsyncClient, path: str) -> int:
    """Open a page and all that it leads to; return how many pages that were."""
    seen, left = set[str](), [path]
    while left:
        path = left.pop().partition("#")[0]
        if path in seen:
            continue
        seen.add(path)
        answer = await pages.get(path)
        assert answer.status_code < 500, path
        left += [html.unescape(found) for found in re.findall(r'href="(/ui/orders/[^"?]*)', answer.text)]
    return len(seen)


async def test_pages_show_events_that_tell_as_little_as_they_may(pages: httpx.AsyncClient) -> None:
    await pages.put("/trail/v1/integrations/7", json={})
    order_id = await an_order(pages, actor={"id": "u-1"})
    told = [await append(pages, order_id, fact) for fact in scant_facts()]

    assert sum(answer.status_code == 201 for answer in told) > 30
    assert await look_at_all(pages, f"/ui/orders/{order_id}") > 30
    assert (await pages.get("/ui/calls")).status_code == 200


@pytest.mark.parametrize(
    "number", [int("9" * 400), 1e308, -1e308, 2**63], ids=["huge", "largest", "negative", "64 bits"]
)
async def test_a_page_shows_a_call_with_numbers_that_nobody_measured(pages: httpx.AsyncClient, number: Any) -> None:
    order_id = await an_order(pages)
    durations = {"total_duration": number, "dns_lookup_duration": number, "sending_request_duration": number}
    call = {"request_time": -(2**63), "response_time": 2**63 - 1, "duration_statistics": durations}
    headers = {"x-api-key": pages.headers["authorization"].split("_")[1], "tenant-id": "any"}
    tenant = (await pages.get("/trail/v1/feed")).json()["items"][0]["source"].rpartition("/")[2]

    logged = await pages.post(f"/orders/{order_id}/system-logs", json=call, headers={**headers, "tenant-id": tenant})

    assert logged.status_code == 200, logged.text
    assert await look_at_all(pages, f"/ui/orders/{order_id}") > 1
