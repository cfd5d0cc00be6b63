"""Each route that is declared hot is documented like any other, and a well-formed request for it goes straight."""

import json
from typing import Any

import httpx
import pytest

from api.app import create_app, with_hot_routes
from api.http.hot import hot_routes
from api.services import Services
from application.access.callers import Tenant
from application.views.upkeep.projector import Projector
from tests.fix_services import Opened

MAX_BODY_BYTES = 100_000
REPORT = {"state": "success", "service": "kitchen", "service_status": "ready"}
BODIES: dict[str, Any] = {
    "/trail/v1/orders/{order_id}/events": {"type": "order.service_event_recorded", "data": REPORT},
    "/v1/accounts/{aid}/shopping/orders/{order_id}/events": REPORT,
}
APP = create_app(lambda: None, max_body_bytes=MAX_BODY_BYTES)  # type: ignore[arg-type, return-value]
HOT = [(route.method, route.path) for route in hot_routes(APP)]


def test_the_most_frequent_requests_are_hot() -> None:
    assert set(HOT) == {
        ("POST", "/trail/v1/orders/{order_id}/events"),
        ("GET", "/trail/v1/orders/{order_id}/timeline"),
        ("POST", "/v1/accounts/{aid}/shopping/orders/{order_id}/events"),
        ("GET", "/v1/orders/{id}/action_logs"),
    }


@pytest.mark.parametrize(("method", "path"), HOT)
async def test_a_hot_route_is_documented_and_taken(
    method: str, path: str, services: Services, owner: Services, tenant: Tenant, projector: Projector
) -> None:
    passed: list[str] = []

    def noting(framework: Any) -> Any:
        async def noted(scope: Any, receive: Any, send: Any) -> None:
            passed.append(scope["path"])
            await framework(scope, receive, send)

        return noted

    app = create_app(lambda: None, max_body_bytes=MAX_BODY_BYTES)  # type: ignore[arg-type, return-value]
    app.add_middleware(noting)  # type: ignore[arg-type]
    app.state.opening = Opened(services)
    await services.orders.create(tenant, "A-1")
    for behind in await projector.behind():
        await projector.catch_up(behind)
    key = await owner.credentials.create_key("acme", scopes=("admin",), name="Test")
    straight = with_hot_routes(app, max_body_bytes=MAX_BODY_BYTES)
    address = path.format(order_id="A-1", id="A-1", aid="T12345678")

    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(straight),
        base_url="http://t",
        headers={"Authorization": f"Bearer {key.token}", "Content-Type": "application/json"},
    ) as http:
        content = json.dumps(BODIES[path]).encode() if path in BODIES else None
        answer = await http.request(method, address, content=content)

    assert answer.status_code in {200, 201}, answer.text
    assert passed == []
    assert method.lower() in app.openapi()["paths"][path]
