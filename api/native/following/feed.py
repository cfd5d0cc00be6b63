"""The feed in the native interface: a tenant's ledger as CloudEvents, in pages, held back until there are some, or as a
stream.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from functools import lru_cache, partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from api.http.accept import BATCH, JSON, wanted_form
from api.http.parts import answer, array, document, rendered
from api.http.reading.json_text import to_json
from api.http.reading.query import Digits
from api.http.requests import Json, NativeRoute, ServicesDep
from api.http.standby import may_read_standby
from api.http.streaming import FORMS, StreamedAnswer, StreamForm, StreamPart
from api.native.errors import RESPONSES
from api.native.following.streams import STREAMED, After, LastEventId, is_followed, reader_of, streams_of
from api.native.models import MAX_WAIT_SECONDS, Strict, Unreadable
from api.native.render import cloud_event
from api.native.security import CallerDep
from api.services import Services
from application.access.callers import authorise
from application.delivery.filters import EventFilter
from application.delivery.follower import End, Follower
from application.delivery.reading import LedgerPart
from application.ledger.port import RecordedEvent
from application.runtime.request_context import resting
from domain.errors import BeyondHead, OrderNotFound
from domain.values import MAX_BIGINT, Identifier, Name, Position, TenantName

FORM_NAMES = (JSON, BATCH, *FORMS)


class FeedQuery(Strict):
    """Which part of the ledger to read."""

    after: After = Field(0, description="`next` of the page before; 0 to begin; `now` for what comes from now on")
    limit: Digits = Field(100, ge=1, le=1_000, description="Of a page; a stream has no end")
    type: list[Name] = Field([], max_length=50, description="Only these types of events")
    order: list[Identifier] = Field([], max_length=50, description="Only events of these orders, by id or reference")
    service: list[Name] = Field([], max_length=50, description="Only reports of these services")
    integration: list[Annotated[Digits, Field(ge=1, le=MAX_BIGINT)]] = Field(
        [], max_length=50, description="Only events of these integrations, and of the orders that are named"
    )
    wait: Digits = Field(
        0, ge=0, le=MAX_WAIT_SECONDS, description="How many seconds an empty page waits for its first event"
    )


class CloudEvent(BaseModel):
    """An event in the form of CloudEvents 1.0; data_base64 instead of data where the data is not JSON.

    An event whose data cannot be read has none, and the extension unreadable says why.
    """

    specversion: Literal["1.0"]
    id: str
    source: str
    subject: str
    type: str
    time: datetime
    datacontenttype: str | None = None
    data: Any = None
    data_base64: str | None = None
    position: int
    streamversion: int
    recordedtime: datetime
    traceparent: str | None = Field(
        None, description="The trace of the request that recorded it, if it was part of one"
    )
    unreadable: Unreadable = None


class Feed(BaseModel):
    """A part of the ledger; next is where to go on from."""

    items: list[CloudEvent]
    next: int


_Follow = Callable[[], AbstractContextManager[Follower]]

_ITEM = {"$ref": "#/components/schemas/CloudEvent"}
_FORMS = {BATCH: {"schema": {"type": "array", "items": _ITEM}}, **STREAMED}

router = APIRouter(prefix="/trail/v1", tags=["Native"], route_class=NativeRoute, responses=RESPONSES)


@router.get("/feed", response_model=Feed, responses={200: {"content": _FORMS}}, summary="Read or follow the ledger")
@may_read_standby(unless=is_followed)
async def get_feed(
    request: Request,
    query: Annotated[FeedQuery, Query()],
    caller: CallerDep,
    services: ServicesDep,
    last_event_id: LastEventId = None,
) -> Response:
    """Return events after a position, in ledger order, as CloudEvents.

    Positions have no gaps and never change: whoever asks again with `next` misses nothing and sees nothing twice. A
    position beyond the head is a 409, which names the head: the ledger was restored from an earlier copy.

    With `Accept: text/event-stream` or `application/x-ndjson`, the answer is a stream that goes on with what comes.
    """
    authorise(caller, "read:ledger")
    form, tenant = wanted_form(request, FORM_NAMES), caller.tenant.name
    wanted = await _filter(services, tenant, query)
    head = await services.store.head(tenant)
    after = last_event_id if last_event_id is not None else head if query.after is None else query.after
    if after > head:
        raise BeyondHead(after, head)
    follow = partial(services.tails.followed, tenant, wanted, after=Position(after), head=head)
    if form in FORMS:
        streams = streams_of(request)
        streams.require_room()
        opened = partial(_stream, follow, FORMS[form], tenant)
        return StreamedAnswer(opened, FORMS[form], streams, reader_of(request, services, "read:ledger"))
    part = await services.reader.page_after(tenant, wanted, after, limit=query.limit)
    if not part.events and query.wait and part.next == part.head:
        follow = partial(services.tails.followed, tenant, wanted, after=part.next, head=part.head)
        part = await _awaited(request, services, follow, query)
    return await _page(request, tenant, part, form)


async def _filter(services: Services, tenant: TenantName, query: FeedQuery) -> EventFilter:
    if query.order:
        await services.queries.fresh(tenant, "order_state")
    orders = [await _order_id(services, tenant, name) for name in query.order]
    return EventFilter(frozenset(query.type), frozenset(orders), frozenset(query.service), frozenset(query.integration))


async def _order_id(services: Services, tenant: TenantName, name: str) -> str:
    """Return the id of the order with this id or reference; the name itself if there is no such order yet."""
    try:
        return (await services.queries.find_order(tenant, name)).order_id
    except OrderNotFound:
        return name


async def _awaited(request: Request, services: Services, follow: _Follow, query: FeedQuery) -> LedgerPart:
    """Return the first events that come within the time that the request waits."""
    streams = streams_of(request)
    streams.require_room()
    reader = reader_of(request, services, "read:ledger")
    with resting(), follow() as follower, streams.opened(follower, *reader):
        batch = await follower.more(query.wait)
        await reader.check()
    events = [shared.event for shared in batch.events[: query.limit]]
    reached = batch.next if len(events) == len(batch.events) else Position(events[-1].position)
    return LedgerPart(events, reached, batch.next)


async def _page(request: Request, tenant: TenantName, part: LedgerPart, form: str) -> Json:
    items = await rendered(part.events, partial(cloud_event, tenant))
    headers = {"Ordertrail-Position": str(part.head)}
    if form == JSON:
        return answer(document("items", items, next=part.next), headers=headers)
    # A batch has no place for next.
    following = request.url.include_query_params(after=part.next)
    headers["Link"] = f'<{following.path}?{following.query}>; rel="next"'
    return answer(array(items), headers=headers, media_type=BATCH)


@contextmanager
def _stream(follow: _Follow, form: StreamForm, tenant: TenantName) -> Iterator["_EventFeed"]:
    with follow() as follower:
        yield _EventFeed(follower, _writer(form, tenant))


class _EventFeed:
    """A follower's events in the form of a stream."""

    def __init__(self, follower: Follower, write: Callable[[RecordedEvent], bytes]) -> None:
        self._follower = follower
        self._write = write

    @property
    def position(self) -> int:
        return self._follower.position

    @property
    def ended(self) -> End | None:
        return self._follower.ended

    def end(self, why: End) -> None:
        self._follower.end(why)

    async def more(self, seconds: float) -> StreamPart:
        batch = await self._follower.more(seconds)
        return StreamPart([shared.made(self._write) for shared in batch.events], batch.next)


@lru_cache(maxsize=1_024)
def _writer(form: StreamForm, tenant: TenantName) -> Callable[[RecordedEvent], bytes]:
    """Return what writes a tenant's events in this form: the same function for all streams, which share its results."""
    return lambda event: form.item(to_json(cloud_event(tenant, event)), event.position)
