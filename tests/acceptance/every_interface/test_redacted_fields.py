"""Whatever tells of a customer is gone from every interface once the order is redacted, whoever told it and when."""

import json
from typing import Any

import httpx
import pytest

from domain.events.catalogue import CATALOGUE
from domain.events.order_event import OrderEvent
from domain.order import DECISIONS
from domain.personal import Shape, shape_of
from tests.acceptance.carriyo.test_redact import REDACT, read_everywhere
from tests.dumps import dump
from tests.fix_server import Account
from tests.native import append
from tests.samples import one_of_each

SECRET = "Mia-of-Elm-Street-5"


def with_secrets(data: dict[str, Any], shape: Shape) -> dict[str, Any]:
    """Return an event's data with something secret in every place that is for personal data."""
    filled = {**data}
    for name, member in shape.items():
        if member.mark is not None:
            filled[name] = {SECRET: SECRET} if member.is_object else SECRET
        else:
            filled[name] = with_secrets(filled.get(name, {}), member.inner)
    return filled


def facts() -> list[dict[str, Any]]:
    """Return a fact of every type that holds personal data of an order."""
    told = []
    for recorded in one_of_each():
        event_class = CATALOGUE[recorded.type]
        if issubclass(event_class, OrderEvent) and event_class not in DECISIONS and (shape := shape_of(event_class)):
            told.append({"type": recorded.type, "data": with_secrets(json.loads(recorded.data), shape)})
    return told


@pytest.fixture
async def told(carriyo: httpx.AsyncClient, http: httpx.AsyncClient) -> None:
    """Tell of the customer in every way there is."""
    await tell(carriyo, http)
    answer = await http.patch("/v1/orders/A-1/cancel", json={"cancelled_reason": {"key": "other", "message": SECRET}})
    assert answer.status_code == 200, answer.text


async def tell(carriyo: httpx.AsyncClient, http: httpx.AsyncClient) -> None:
    answer = await append(http, "A-1", *facts())
    assert answer.status_code == 201, answer.text
    message = {"text": SECRET, "send_by": "customer", "custom_data": {SECRET: SECRET}}
    assert (await http.post("/v1/orders/A-1/messages", json=message)).status_code == 200
    call = {"request_url": f"https://h.example/{SECRET}", "request_headers": {"X-To": [SECRET]}, "request_body": SECRET}
    assert (await carriyo.post("/orders/A-1/system-logs", json=call)).status_code == 200


@pytest.mark.usefixtures("told")
async def test_every_field_that_tells_of_the_customer_is_gone(
    account: Account, carriyo: httpx.AsyncClient, http: httpx.AsyncClient
) -> None:
    before = [text.count(SECRET) for text in await read_everywhere(account, carriyo, http)]
    assert SECRET not in dump(account.dsn).decode()

    assert (await carriyo.post(REDACT)).status_code == 200

    after = await read_everywhere(account, carriyo, http)
    assert all(before)
    assert [text.count(SECRET) for text in after] == [0] * len(after)
    assert "127.0.0.1" not in after[2]  # where the cancellation was asked from
    past = [await http.get(f"/trail/v1/orders/A-1{query}") for query in ("?version=9", "/diff")]
    assert [SECRET in answer.text for answer in past] == [False] * 2


async def test_what_is_told_after_the_redaction_is_not_kept_either(
    account: Account, carriyo: httpx.AsyncClient, http: httpx.AsyncClient
) -> None:
    await carriyo.post(REDACT)

    await tell(carriyo, http)

    shown = await read_everywhere(account, carriyo, http)
    assert [text.count(SECRET) for text in shown] == [0] * len(shown)
    assert SECRET not in dump(account.dsn).decode()
