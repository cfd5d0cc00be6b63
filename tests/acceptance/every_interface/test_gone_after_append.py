"""A database that goes away right after it stored an append: no interface says that nothing was stored."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, NamedTuple

import httpx
import pytest

from api.app import create_app, with_hot_routes
from api.services import Services
from application.access.callers import Tenant
from application.views.upkeep.projector import Projector
from domain.errors import Unavailable
from infrastructure.ledger.group_commit import GroupCommit
from infrastructure.postgres.pool import Pool
from tests.fix_services import Opened
from tests.native import JSON, amounts, status

MAX_BODY_BYTES = 100_000
EVENTS = "/trail/v1/orders/A-1/events"
SHOPPING = "/v1/accounts/T12345678/shopping/orders/A-1/events"
A_REPORT = {"state": "success", "service": "wms", "service_status": "OK"}
REDACTION = {"type": "order.redacted", "data": {}}
A_CALL = {"request_method": "POST", "request_url": "https://carrier.example/"}
KEY = {"Idempotency-Key": "k-1"}


class Write(NamedTuple):
    """A request that stores an event, and reads before it answers."""

    method: str
    path: str
    body: Any
    was_sent_before: bool = False
    headers: Mapping[str, str] = MappingProxyType({})


WRITES = {
    "native, told before": Write("POST", EVENTS, status(event_id="e-1"), was_sent_before=True),
    "native, a redaction": Write("POST", EVENTS, REDACTION, headers=KEY),
    "Dintero, told before": Write("POST", SHOPPING, {**A_REPORT, "id": "e-1"}, was_sent_before=True, headers=KEY),
    "Carriyo, told before": Write("POST", "/orders/A-1/system-logs", A_CALL, was_sent_before=True, headers=KEY),
    "Carriyo, a redaction": Write("POST", "/orders/A-1/redact", None),
    "SHOPLINE, a status": Write("PATCH", "/v1/orders/A-1/status", {"status": "completed"}),
    "SHOPLINE, a cancellation": Write(
        "PATCH", "/v1/orders/A-1/cancel", {"cancelled_reason": {"key": "late"}}, headers=KEY
    ),
    "Sendcloud, told before": Write(
        "POST",
        "/api/v3/integrations/123/logs",
        {"base_url": "https://example.com"},
        was_sent_before=True,
        headers=KEY,
    ),
}


@pytest.fixture
async def http(
    services: Services, owner: Services, tenant: Tenant, projector: Projector
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a tenant with an order and an integration, which all views show."""
    key = await owner.credentials.create_key("acme", scopes=("admin",), name="Test")
    app = create_app(lambda: None, max_body_bytes=MAX_BODY_BYTES)  # type: ignore[arg-type, return-value]
    app.state.opening = Opened(services)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(with_hot_routes(app, max_body_bytes=MAX_BODY_BYTES)),
        base_url="http://t",
        headers={"Authorization": f"Bearer {key.token}", "x-api-key": key.key_id, "tenant-id": "acme", **JSON},
    ) as client:
        customer = {"id": "c-9", "name": "Ann Li"}
        order = {"order_id": "A-1", "created_by": "shop", "totals": amounts(), "customer": customer}
        assert (await client.post("/trail/v1/orders", json=order)).status_code == 201
        assert (await client.put("/trail/v1/integrations/123", json={"shop_name": "Example"})).status_code == 200
        for behind in await projector.behind():
            await projector.catch_up(behind)
        yield client


@contextmanager
def going_away(monkeypatch: pytest.MonkeyPatch, *, after_append: bool = True) -> Iterator[None]:
    """Let nobody have a connection any more, from now on or once an append is stored."""
    append, is_away = GroupCommit.append, not after_append

    async def append_and_leave(group_commit: GroupCommit, given: Any) -> Any:
        nonlocal is_away
        appended = await append(group_commit, given)
        is_away = True
        return appended

    connection = Pool.connection

    def connection_or_none(pool: Pool, **how: Any) -> Any:
        if is_away:
            raise Unavailable(is_away=True)
        return connection(pool, **how)

    with monkeypatch.context() as patch:
        patch.setattr(GroupCommit, "append", append_and_leave)
        patch.setattr(Pool, "connection", connection_or_none)
        yield


async def send(http: httpx.AsyncClient, write: Write) -> httpx.Response:
    return await http.request(write.method, write.path, json=write.body, headers=write.headers)


async def head(http: httpx.AsyncClient) -> int:
    position: int = (await http.get("/trail/v1/ledger")).json()["head"]
    return position


@pytest.mark.parametrize("name", WRITES)
async def test_what_may_be_stored_is_not_refused_as_if_it_were_not(
    http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    write = WRITES[name]
    if write.was_sent_before:
        first = await send(http, write)
        assert first.status_code in {200, 201}, first.text
    before = await head(http)

    with going_away(monkeypatch):
        answer = await send(http, write)

    assert answer.status_code == 503, answer.text
    assert "retry-after" not in answer.headers
    assert (
        "What you asked for may be done all the same. What had event ids or an Idempotency-Key can be sent again"
        in answer.text
    )
    assert (await head(http) > before) is not write.was_sent_before
    again = await send(http, write)
    assert again.status_code in {200, 201}, again.text
    assert not write.was_sent_before or again.json() == first.json()


async def test_a_redaction_that_could_not_erase_everything_is_completed_when_it_is_sent_again(
    http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with going_away(monkeypatch):
        assert (await http.post(EVENTS, json=REDACTION)).status_code == 503
    assert "Ann Li" in (await http.get("/trail/v1/orders/A-1/timeline")).text

    again = await http.post(EVENTS, json=REDACTION)

    assert again.status_code == 409, again.text
    assert "was redacted already" in again.text
    assert "Ann Li" not in (await http.get("/trail/v1/orders/A-1/timeline")).text


async def test_what_is_refused_before_it_is_stored_is_refused_as_not_stored(
    http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await head(http)

    with going_away(monkeypatch, after_append=False):
        answer = await http.post("/orders/A-1/redact")

    assert answer.status_code == 503, answer.text
    assert answer.headers["retry-after"] == "1"
    assert "may be done" not in answer.text
    assert await head(http) == before


async def test_two_redactions_at_once_are_refused_and_erase_nothing(http: httpx.AsyncClient) -> None:
    before = await head(http)

    answer = await http.post(EVENTS, json={"events": [REDACTION, REDACTION]})

    assert answer.status_code == 409, answer.text
    assert await head(http) == before
    assert "Ann Li" in (await http.get("/trail/v1/orders/A-1/timeline")).text
