"""Pages of Sendcloud's lists: cursors, and links to the pages before and after one."""

import base64
import re
from datetime import datetime
from typing import Literal, NamedTuple
from urllib.parse import quote, urlencode

from fastapi import Request

from api.dialects.sendcloud.times import instant
from domain.errors import NotFound
from domain.values import MAX_BIGINT

_OPAQUE = re.compile(r"(next|prev):(\d{1,19}):(.*)", flags=re.ASCII)
_OFFSET = re.compile(r"(?:[Zz]|[+-]\d\d:\d\d)$")
# A + that was not written as %2B arrives as a space.
_SPACE_FOR_PLUS = re.compile(r" (?=\d\d:\d\d$)")

Rel = Literal["next", "prev"]


class InvalidCursor(NotFound):
    """The cursor is not one of ours."""


class Cursor(NamedTuple):
    """Where a page begins: beyond a ledger position, and which entries there are in all pages that follow from it."""

    rel: Rel = "next"
    position: int | None = None
    created_before: datetime | None = None

    def __str__(self) -> str:
        before = self.created_before.isoformat() if self.created_before else ""
        return base64.urlsafe_b64encode(f"{self.rel}:{self.position}:{before}".encode()).decode().rstrip("=")


def cursor_of(text: str | None) -> Cursor:
    """Return what a cursor stands for: one of ours, or a date-time as the vendor's specification has it.

    A date-time without an offset, which is what the vendor's own Link header shows, is in UTC. Raises InvalidCursor.
    """
    try:
        if not text:
            return Cursor()
        return Cursor(created_before=_moment(text)) if ":" in text else _opaque(text)
    except ValueError as exc:
        raise InvalidCursor("Invalid cursor") from exc


def _moment(text: str) -> datetime:
    text = _SPACE_FOR_PLUS.sub("+", text)
    return instant(text if _OFFSET.search(text) else f"{text}Z")


def _opaque(text: str) -> Cursor:
    match = _OPAQUE.fullmatch(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode())
    if match is None or int(match[2]) > MAX_BIGINT:
        raise ValueError(text)
    return Cursor("next" if match[1] == "next" else "prev", int(match[2]), instant(match[3]) if match[3] else None)


def link_header(request: Request, cursor: Cursor, positions: list[int], *, has_more: bool, size: int) -> dict[str, str]:
    """Return the header that leads to the pages of older and newer entries, where there are any.

    positions are those of the page's entries, newest first; has_more tells of entries beyond them in the direction of
    the cursor.
    """
    if not positions:
        return {}
    # A page that a cursor led to has the entries that it came from behind it: nothing is ever removed.
    is_there: dict[Rel, bool] = {"next": cursor.position is not None, "prev": cursor.position is not None}
    is_there = {**is_there, cursor.rel: has_more}
    ends: dict[Rel, int] = {"next": positions[-1], "prev": positions[0]}
    address = str(request.base_url).rstrip("/") + quote(request.scope["path"])
    links = [
        f'<{address}?{urlencode({"cursor": cursor._replace(rel=rel, position=end), "page_size": size})}>; rel="{rel}"'
        for rel, end in ends.items()
        if is_there[rel]
    ]
    return {"Link": ", ".join(links)} if links else {}
