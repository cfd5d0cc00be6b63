"""Tells pages that something was recorded. They get their content anew, so nothing is rendered twice."""

from collections.abc import AsyncIterator
from time import monotonic

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from api.http.requests import ServicesDep
from api.services import Services
from api.web.pages.asking import AskedDep
from api.web.route import PageRoute
from api.web.security import COOKIE, VisitorDep
from application.access.callers import CACHE_SECONDS, authorise
from application.delivery.filters import EVERYTHING, EventFilter
from domain.errors import OrdertrailError
from domain.values import TenantName

LIFE_SECONDS = 60.0
"""How long a stream lasts. The browser opens another one by itself."""

router = APIRouter(prefix="/ui", route_class=PageRoute, include_in_schema=False)


@router.get("/live")
async def get_live(request: Request, visitor: VisitorDep, services: ServicesDep, asked: AskedDep) -> Response:
    """Send an event whenever something was recorded about an order, or in the ledger. It holds no more than where."""
    authorise(visitor, "read:orders")
    order_id = asked.get("order")
    wanted = EVERYTHING if order_id is None else EventFilter(orders=frozenset({order_id}))
    stream = _hints(services, visitor.tenant.name, wanted, session=request.cookies[COOKIE])
    return StreamingResponse(stream, media_type="text/event-stream", headers={"Cache-Control": "no-store"})


async def _hints(services: Services, tenant: TenantName, wanted: EventFilter, *, session: str) -> AsyncIterator[bytes]:
    """Yield the positions of what is recorded from now on, as long as the session lasts."""
    after: int = await services.store.head(tenant)
    ends_at = monotonic() + LIFE_SECONDS
    yield b"retry: 1000\n\n"
    with services.growth.followed(tenant) as waker:
        while monotonic() < ends_at:
            await waker.wait(CACHE_SECONDS)
            try:
                await services.sessions.caller(session)
                part = await services.reader.read_after(tenant, wanted, after, limit=100)
            except OrdertrailError:
                return
            after = part.next
            yield b"id: %d\ndata: %d\n\n" % (after, after) if part.events else b": alive\n\n"
            if part.next < part.head:
                waker.wake()
