"""Tells pages that something was recorded. They get their content anew, so nothing is rendered twice."""

from collections.abc import AsyncIterator, Callable
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
from application.delivery.reading import LedgerPart
from domain.errors import OrdertrailError
from domain.values import TenantName

LIFE_SECONDS = 60.0
"""How long a stream lasts. The browser opens another one by itself."""

STEP_SECONDS = 1.0
"""How soon a stream ends when its process is told to end."""
AT_ONCE = {"X-Accel-Buffering": "no"}
"""Keeps nginx from holding back what was sent."""

router = APIRouter(prefix="/ui", route_class=PageRoute, include_in_schema=False)


@router.get("/live")
async def get_live(request: Request, visitor: VisitorDep, services: ServicesDep, asked: AskedDep) -> Response:
    """Send an event whenever something was recorded about an order, or in the ledger. It holds no more than where."""
    authorise(visitor, "read:orders")
    order_id = asked.get("order")
    wanted = EVERYTHING if order_id is None else EventFilter(orders=frozenset({order_id}))
    is_stopping: Callable[[], bool] = getattr(request.app.state, "is_stopping", lambda: False)
    following = _Following(services, visitor.tenant.name, wanted, request.cookies[COOKIE], is_stopping)
    return StreamingResponse(
        following.hints(), media_type="text/event-stream", headers={"Cache-Control": "no-store", **AT_ONCE}
    )


class _Following:
    """Follows a ledger as long as the session lasts, the process serves, and the browser listens."""

    def __init__(
        self,
        services: Services,
        tenant: TenantName,
        wanted: EventFilter,
        session: str,
        is_stopping: Callable[[], bool],
    ) -> None:
        self._services = services
        self._tenant = tenant
        self._wanted = wanted
        self._session = session
        self._is_stopping = is_stopping

    async def hints(self) -> AsyncIterator[bytes]:
        """Yield the positions of what is recorded from now on."""
        after: int = await self._services.store.head(self._tenant)
        ends_at, look_at = monotonic() + LIFE_SECONDS, monotonic() + CACHE_SECONDS
        yield b"retry: 1000\n\n"
        with self._services.growth.followed(self._tenant) as waker:
            while monotonic() < ends_at and not self._is_stopping():
                has_grown = await waker.wait(STEP_SECONDS)
                if not has_grown and monotonic() < look_at:
                    continue
                look_at = monotonic() + CACHE_SECONDS
                if (part := await self._look(after)) is None:
                    return
                after = part.next
                yield b"id: %d\ndata: %d\n\n" % (after, after) if part.events else b": alive\n\n"
                if part.next < part.head:
                    waker.wake()

    async def _look(self, after: int) -> LedgerPart | None:
        """Return what was recorded since; None if it cannot be told, or must not be any more."""
        try:
            await self._services.sessions.caller(self._session)
            return await self._services.reader.read_after(self._tenant, self._wanted, after, limit=100)
        except OrdertrailError:
            return None
