"""Links to the pages before and after a page of Sendcloud's lists."""

from urllib.parse import quote, urlencode

from fastapi import Request

from api.dialects.sendcloud.cursors import Cursor, Rel, written
from api.http.public_url import public_url_or_host


def link_header(request: Request, cursor: Cursor, positions: list[int], *, has_more: bool, size: int) -> dict[str, str]:
    """Return the header with links to the pages of older and newer entries, if there are any.

    positions are those of the page's entries, newest first. has_more tells whether there are entries beyond them in the
    cursor's direction.
    """
    if not positions:
        return {}
    # If a cursor led to this page, the entries before the cursor still exist: nothing is ever removed.
    is_there: dict[Rel, bool] = {"next": cursor.position is not None, "prev": cursor.position is not None}
    is_there = {**is_there, cursor.rel: has_more}
    ends: dict[Rel, int] = {"next": positions[-1], "prev": positions[0]}
    address = public_url_or_host(request) + quote(request.scope["path"])
    kept = {"created_before": written(cursor.created_before)} if cursor.created_before else {}
    pages = {
        rel: {"cursor": cursor._replace(rel=rel, position=end), "page_size": size, **kept}
        for rel, end in ends.items()
        if is_there[rel]
    }
    links = [f'<{address}?{urlencode(page, safe=":")}>; rel="{rel}"' for rel, page in pages.items()]
    return {"Link": ", ".join(links)} if links else {}
