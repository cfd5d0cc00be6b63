"""An order's timeline in the native interface as a stream, or held back until it has something."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial

from fastapi import Request, Response

from api.http.accept import JSON, wanted_form
from api.http.parts import answer, document, rendered
from api.http.problems import Fault, InvalidRequest
from api.http.reading.json_text import to_json
from api.http.streaming import FORMS, StreamedAnswer, StreamForm, StreamPart
from api.native.following.streams import reader_of, streams_of
from api.native.models import TimelineQuery
from api.native.pages import position_of
from api.native.render import timeline_item
from api.services import Services
from application.access.callers import Caller
from application.delivery.filters import EventFilter
from application.delivery.follower import End
from application.delivery.timeline import TimelineFollower
from application.runtime.request_context import resting
from domain.errors import BeyondHead

_Follow = Callable[[], AbstractContextManager[TimelineFollower]]


async def followed_timeline(
    request: Request, services: Services, caller: Caller, name: str, query: TimelineQuery, last_event_id: int | None
) -> Response | None:
    """Answer with what comes in a timeline, if the request asks for a stream or is ready to wait; None if not.

    The caller is authorised already. Raises BeyondHead, InvalidRequest, OrderNotFound.
    """
    form = wanted_form(request, (JSON, *FORMS))
    if form == JSON and not query.wait:
        return None
    if query.order == "desc":
        raise InvalidRequest(Fault(("query", "order"), "of what is yet to come is asc", "order"))
    tenant = caller.tenant.name
    head = await services.store.head(tenant)
    after = last_event_id if last_event_id is not None else position_of(query.cursor) or 0
    if after > head:
        raise BeyondHead(after, head)
    await services.queries.fresh(tenant, "order_state")
    order_id = (await services.queries.find_order(tenant, name)).order_id
    streams, reader = streams_of(request), reader_of(request, services, "read:orders")
    streams.require_room()

    @contextmanager
    def follow() -> Iterator[TimelineFollower]:
        of_order = EventFilter(orders=frozenset({order_id}))
        with services.tails.followed(tenant, of_order, after=head, head=head) as follower:
            yield TimelineFollower(
                services.queries, follower, tenant, order_id, wanted=query.wanted(), after=after, page=query.limit
            )

    if form in FORMS:
        return StreamedAnswer(partial(_stream, follow, FORMS[form]), FORMS[form], streams, reader)
    with resting(), follow() as timeline, streams.opened(timeline, *reader):
        batch = await timeline.more(query.wait)
        await reader.check()
    following = str(batch.next) if len(batch.entries) == query.limit else None
    items = await rendered(list(batch.entries), timeline_item)
    return answer(document("items", items, next=following), headers={"Ordertrail-Position": str(batch.next)})


@contextmanager
def _stream(follow: _Follow, form: StreamForm) -> Iterator["_TimelineFeed"]:
    with follow() as timeline:
        yield _TimelineFeed(timeline, form)


class _TimelineFeed:
    """A timeline's entries in the form of a stream."""

    def __init__(self, timeline: TimelineFollower, form: StreamForm) -> None:
        self._timeline = timeline
        self._form = form

    @property
    def position(self) -> int:
        return self._timeline.position

    @property
    def ended(self) -> End | None:
        return self._timeline.ended

    def end(self, why: End) -> None:
        self._timeline.end(why)

    async def more(self, seconds: float) -> StreamPart:
        batch = await self._timeline.more(seconds)
        items = [self._form.item(to_json(timeline_item(entry)), entry.event.position) for entry in batch.entries]
        return StreamPart(items, batch.next)
