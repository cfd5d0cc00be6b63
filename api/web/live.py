"""Tells pages that something was recorded. They get their content anew, so nothing is rendered twice."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from fastapi import APIRouter, Request, Response

from api.http.requests import ServicesDep
from api.http.streaming import EventStream, Reader, StreamedAnswer, StreamPart
from api.native.following.streams import streams_of
from api.services import Services
from api.web.pages.asking import AskedDep
from api.web.route import PageRoute
from api.web.security import COOKIE, VisitorDep
from application.access.callers import authorise
from application.delivery.filters import EVERYTHING, EventFilter
from application.delivery.follower import End, Follower
from domain.values import Position, TenantName

SCOPE = "read:orders"
_FORM = EventStream()

router = APIRouter(prefix="/ui", route_class=PageRoute, include_in_schema=False)


@router.get("/live")
async def get_live(request: Request, visitor: VisitorDep, services: ServicesDep, asked: AskedDep) -> Response:
    """Send an event whenever something was recorded about an order, or in the ledger. It holds no more than where."""
    authorise(visitor, SCOPE)
    order_id, streams = asked.get("order"), streams_of(request)
    wanted = EVERYTHING if order_id is None else EventFilter(orders=frozenset({order_id}))
    head = await services.store.head(visitor.tenant.name)
    streams.require_room()
    session = request.cookies[COOKIE]

    async def check() -> None:
        authorise(await services.sessions.caller(session), SCOPE)

    opened = partial(_hints, services, visitor.tenant.name, wanted, head)
    return StreamedAnswer(opened, _FORM, streams, Reader((session, SCOPE), check))


class _Hints:
    """The positions of what is recorded, in place of the events."""

    def __init__(self, follower: Follower) -> None:
        self._follower = follower

    @property
    def position(self) -> int:
        return self._follower.position

    @property
    def ended(self) -> End | None:
        return self._follower.ended

    def end(self, why: End) -> None:
        self._follower.end(why)

    async def more(self, seconds: float) -> StreamPart:
        """Return one hint for all that was recorded since the last; a page that is behind gets it all at once."""
        batch = await self._follower.more(seconds)
        return StreamPart([_FORM.item(b"%d" % batch.next, batch.next)] if batch.events else [], batch.next)


@contextmanager
def _hints(services: Services, tenant: TenantName, wanted: EventFilter, head: Position) -> Iterator[_Hints]:
    with services.tails.followed(tenant, wanted, after=head, head=head) as follower:
        yield _Hints(follower)
