"""Lists about one order, which are rendered again only when their content has changed."""

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from fastapi import Request

from api.http.parts import answer
from api.http.requests import Json, freshness_said
from api.services import Services
from application.access.callers import Caller
from application.ledger.port import WHY_UNREADABLE
from application.views.pages import MAX_PAGE_BYTES, PageKey
from domain.personal import UNREADABLE

_PLACEHOLDER, _REASON = UNREADABLE.encode(), f'"{WHY_UNREADABLE}":'.encode()


class Rendered(NamedTuple):
    """The parts of a page's JSON, and whether the page has all entries that it should have."""

    parts: Sequence[bytes]
    is_whole: bool = True


async def page_of_order(
    request: Request,
    services: Services,
    caller: Caller,
    order_id: str,
    views: tuple[str, ...],
    *,
    render: Callable[[], Awaitable[Rendered]],
    cursor: int | None = None,
) -> Json:
    """Answer with a page about an order from the first of these views.

    It waits until all these views show everything that was written before. The page may depend only on that first view,
    on the ledger, and on the request's path and query. Unreadable keys and changed events are the only exceptions. The
    caller must be authorised already. Raises BeyondHead if the page begins at a position that the ledger has not come
    to.
    """
    tenant = caller.tenant.name
    freshness = await services.queries.fresh(tenant, *views, order_id=order_id)
    freshness.require_reached(cursor)
    headers = freshness_said(freshness)
    place = PageKey(tenant, request.scope["raw_path"], request.scope["query_string"])
    page = services.pages.find(place, freshness.edition)
    if page is not None:
        return Json(page, headers=headers)
    rendered = await render()
    # An order that is named by its reference has no entries under that name: the reference may come to mean another
    # order.
    if freshness.edition.newest and rendered.is_whole and sum(map(len, rendered.parts)) <= MAX_PAGE_BYTES:
        page = b"".join(rendered.parts)
        if not _shows_damage(page):
            services.pages.keep(place, freshness.edition, page)
    return answer(rendered.parts, headers=headers)


def _shows_damage(page: bytes) -> bool:
    """Whether a part of a page could not be read. Such a page is not kept, because the part may be restored at any
    time.
    """
    return _PLACEHOLDER in page or _REASON in page
