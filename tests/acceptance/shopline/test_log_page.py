"""After a change only what is new of an action log is read, and the page is the one that a new worker would show."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.services import Services
from application.access.callers import Tenant
from application.views.pages import Entries, Pages
from application.views.upkeep.projector import Projector
from domain.events.lifecycle import CommentAdded, DetailsUpdated, StatusUpdated
from domain.events.order_event import OrderEvent
from domain.streams import order_stream
from tests.fix_services import Opened

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
STREAM = order_stream("A-1")


@pytest.fixture
async def token(owner: Services) -> str:
    return (await owner.credentials.create_key("acme", scopes=("admin",), name="Test")).token


@pytest.fixture
async def warm(services: Services, token: str) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client of a worker that has answered before."""
    async with client_of(services, token) as http:
        yield http


def client_of(services: Services, token: str) -> httpx.AsyncClient:
    app = create_app(lambda: None, max_body_bytes=1_000)  # type: ignore[arg-type, return-value]
    app.state.opening = Opened(services)
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://t", headers=headers)


async def log_of(http: httpx.AsyncClient) -> bytes:
    answer = await http.get("/v1/orders/A-1/action_logs")
    assert answer.status_code == 200, answer.text
    return answer.content


def status(n: int, at: datetime | None = None) -> OrderEvent:
    dated: dict[str, Any] = {} if at is None else {"timestamp": at}
    return StatusUpdated(originator_id=STREAM, status=str(n), **dated)


async def catch_up_all(projector: Projector) -> None:
    for behind in await projector.behind():
        await projector.catch_up(behind)


CHANGES: dict[str, Callable[[], list[OrderEvent]]] = {
    "one": lambda: [status(1)],
    "several": lambda: [status(n) for n in range(5)],
    "more than one look takes": lambda: [status(n) for n in range(40)],
    "more than a page": lambda: [status(n) for n in range(150)],
    "what happened before": lambda: [status(n, NOON - timedelta(days=n)) for n in range(7)],
    "what happened at the same time": lambda: [status(n, NOON) for n in range(7)],
    "a large one": lambda: [CommentAdded(originator_id=STREAM, text="x" * 9_000)],
    "one that is no action": lambda: [DetailsUpdated(originator_id=STREAM), status(2)],
}


@pytest.mark.parametrize("before", [3, 99, 130])
async def test_a_page_after_a_change_is_what_a_new_worker_shows(
    before: int, services: Services, tenant: Tenant, projector: Projector, token: str, warm: httpx.AsyncClient
) -> None:
    await services.orders.create(tenant, "A-1")
    told = [status(n, NOON + timedelta(seconds=n % 50)) for n in range(before)]
    await services.orders.record(tenant, "A-1", told)
    await catch_up_all(projector)
    await log_of(warm)

    for change in CHANGES.values():
        await services.orders.record(tenant, "A-1", change())
        await catch_up_all(projector)
        async with client_of(replace(services, pages=Pages(), entries=Entries()), token) as cold:
            assert await log_of(warm) == await log_of(cold)


async def test_after_a_change_only_new_actions_are_read(
    services: Services,
    tenant: Tenant,
    projector: Projector,
    warm: httpx.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await services.orders.create(tenant, "A-1")
    await services.orders.record(tenant, "A-1", [status(1)])
    await catch_up_all(projector)
    before = await log_of(warm)
    monkeypatch.setattr(type(services.queries.views), "action_log", None)

    await services.orders.record(tenant, "A-1", [status(2)])
    await catch_up_all(projector)

    after = await log_of(warm)
    assert after.endswith(before.removeprefix(b'{"items":['))
    assert after != before


async def test_a_page_of_a_ledger_that_was_restored_is_read_anew(
    services: Services, tenant: Tenant, projector: Projector, warm: httpx.AsyncClient
) -> None:
    await services.orders.create(tenant, "A-1")
    await services.orders.record(tenant, "A-1", [status(1)])
    await catch_up_all(projector)
    await log_of(warm)
    views = services.queries.views

    assert await views.new_actions(tenant.name, "A-1", after=2, occurred_at=NOON) is None
    assert await views.new_actions(tenant.name, "A-1", after=3, occurred_at=NOON) is None
    [_, newest] = sorted(await views.action_log(tenant.name, "A-1", limit=9), key=lambda row: row.position)
    assert await views.new_actions(tenant.name, "A-1", after=2, occurred_at=newest.occurred_at) == []


async def test_a_page_after_an_erasure_shows_nothing_from_before(
    services: Services, tenant: Tenant, projector: Projector, warm: httpx.AsyncClient
) -> None:
    await services.orders.create(tenant, "A-1")
    await services.orders.record(tenant, "A-1", [StatusUpdated(originator_id=STREAM, status="x", reason="Ann Li")])
    await catch_up_all(projector)
    assert b"Ann Li" in await log_of(warm)

    await services.orders.redact(tenant, "A-1")
    await catch_up_all(projector)

    assert b"Ann Li" not in await log_of(warm)
