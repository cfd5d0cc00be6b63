"""Lists about one order. Each entry is rendered once, and a page again only when its content has changed."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import chain, islice
from typing import Any, NamedTuple, TypeVar

from fastapi import Request

from api.http.parts import answer
from api.http.reading.json_text import to_json
from api.http.requests import Json, freshness_said
from api.services import Services
from application.access.callers import Caller
from application.ledger.port import WHY_UNREADABLE
from application.privacy.legible import Positioned
from application.runtime.room import BREATH_BYTES
from application.views.known import KnownEntries, RenderedEntry
from application.views.pages import MAX_PAGE_BYTES, ListKey, PageKey
from domain.personal import UNREADABLE

_PLACEHOLDER, _REASON = UNREADABLE.encode(), f'"{WHY_UNREADABLE}":'.encode()


MAX_ENTRIES = 200
"""How many entries of a list are kept: those that were rendered last."""
E = TypeVar("E", bound=Positioned)


RenderedEntries = Mapping[int, RenderedEntry]
"""Rendered entries of a list by their positions."""


class Rendered(NamedTuple):
    """The parts of a page's JSON, the entries of its list to keep, and whether it has all entries that it should have.

    Nothing is to keep if all were known before.
    """

    parts: Sequence[bytes]
    kept: RenderedEntries
    is_whole: bool = True


async def rendered_entries(entries: list[E], render: Callable[[E], Any], known: KnownEntries) -> dict[int, bytes]:
    """Return the JSON of each entry by its position, in their order; no entry that is rendered as None.

    Entries that are known are not rendered again. It removes the entries from their list, and lets other tasks have a
    turn in between.
    """
    parts: dict[int, bytes] = {}
    size = 0
    entries.reverse()
    while entries:
        entry = entries.pop()
        if (part := known.parts.get(entry.position)) is None:
            if (item := render(entry)) is None:
                continue
            part = to_json(item)
            size += len(part)
        parts[entry.position] = part
        if size > BREATH_BYTES:
            size = 0
            await asyncio.sleep(0)
    return parts


async def page_of_order(
    request: Request,
    services: Services,
    caller: Caller,
    order_id: str,
    views: tuple[str, ...],
    *,
    render: Callable[[RenderedEntries], Awaitable[Rendered]],
    cursor: int | None = None,
) -> Json:
    """Answer with a page about an order from the first of these views.

    It waits until all these views show everything that was written before. render is given the entries of the list that
    are kept. The page may depend only on that first view, on the ledger, and on the request's path and query. An
    entry may depend only on the path. Unreadable keys and changed events are the only exceptions. The caller must be
    authorised already. Raises BeyondHead if the page begins at a position that the ledger has not come to.
    """
    tenant = caller.tenant.name
    freshness = await services.queries.fresh(tenant, *views, order_id=order_id)
    freshness.require_reached(cursor)
    headers = freshness_said(freshness)
    place = PageKey(tenant, request.scope["raw_path"], request.scope["query_string"])
    page = services.pages.find(place, freshness.edition)
    if page is not None:
        return Json(page, headers=headers)
    entries = ListKey(tenant, place.path)
    rendered = await render(services.entries.find(entries, freshness.edition))
    # An order that is named by its reference has no entries under that name: the reference may come to mean another
    # order.
    if freshness.edition.newest and rendered.is_whole and sum(map(len, rendered.parts)) <= MAX_PAGE_BYTES:
        page = b"".join(rendered.parts)
        if not _shows_damage(page):
            services.pages.keep(place, freshness.edition, page)
            if rendered.kept:
                services.entries.keep(entries, freshness.edition, rendered.kept)
    return answer(rendered.parts, headers=headers)


def newest_entries(parts: Mapping[int, bytes], known: KnownEntries) -> RenderedEntries:
    """Return the entries to keep of a list: those of this page, and as many as may be of those before; none if all of
    the page were known.
    """
    if parts.keys() <= known.parts.keys():
        return {}
    kept = {position: RenderedEntry(known.stored[position], part) for position, part in parts.items()}
    before = ((position, entry) for position, entry in known.rendered.items() if position not in kept)
    return dict(islice(chain(kept.items(), before), MAX_ENTRIES))


def _shows_damage(page: bytes) -> bool:
    """Whether a part of a page could not be read. Such a page is not kept, because the part may be restored at any
    time.
    """
    return _PLACEHOLDER in page or _REASON in page
