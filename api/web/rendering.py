"""Renders templates, with the headers that every page has."""

import gzip
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib.resources import as_file, files
from typing import Any, NamedTuple

from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from api.web.assets import asset_url, takes_gzip
from api.web.showing import amounts, moments, wording
from application.access.callers import Caller
from application.access.scopes import grants

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_SMALL = 1_024


class Room(NamedTuple):
    """A part of the pages, in their navigation, and the scope that opens it."""

    name: str
    path: str
    icon: str
    scope: str


ROOMS = (
    Room("Orders", "/ui/orders", "orders", "read:orders"),
    Room("Calls", "/ui/calls", "calls", "read:orders"),
    Room("Integrations", "/ui/integrations", "plug", "read:integrations"),
    Room("Ledger", "/ui/ledger", "ledger", "read:ledger"),
)


@cache
def environment() -> Environment:
    """Return the environment that all templates share."""
    with as_file(files("api.web").joinpath("templates")) as folder:
        made = Environment(
            loader=FileSystemLoader(folder),
            autoescape=select_autoescape(default=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
    made.globals.update(asset=asset_url, visitor=None, rooms=(), current_room=room_of, here="", part=False)
    made.tests["moment"] = lambda value: isinstance(value, datetime)
    made.filters.update(wording.FILTERS | moments.FILTERS | amounts.FILTERS)
    return made


def page(
    request: Request, template: str, *, status: int = 200, visitor: Caller | None = None, **shown: Any
) -> Response:
    """Return a page. With ?part in its address, it is the page's content alone, which scripts put into a page."""
    is_part = "part" in request.query_params
    known = {"visitor": visitor, "may": may(visitor), "rooms": rooms_of(visitor)}
    shown = {**known, "part": is_part, "here": request.url.path, **shown}
    return html(environment().get_template(template).render(shown), status=status, packed=takes_gzip(request))


def html(text: str, *, status: int = 200, packed: bool = False, headers: Mapping[str, str] | None = None) -> Response:
    """Return the answer with this text."""
    content, extra = text.encode(), dict(headers or {})
    if packed and len(content) > _SMALL:
        content = gzip.compress(content, compresslevel=5, mtime=0)
        extra |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    return HTMLResponse(content, status_code=status, headers={**HEADERS, **extra})


def rooms_of(visitor: Caller | None) -> tuple[Room, ...]:
    """Return the rooms that are open to a visitor."""
    return tuple(room for room in ROOMS if visitor is not None and grants(visitor.scopes, room.scope))


def room_of(path: str) -> str:
    """Return the name of the room that a page is in. The calls about an order are among all calls."""
    parts = path.partition("?")[0].split("/")
    if parts[2:3] == ["orders"] and parts[4:5] == ["calls"]:
        return "Calls"
    return next((room.name for room in ROOMS if room.path.split("/")[2] == "".join(parts[2:3])), "")


def may(visitor: Caller | None) -> Any:
    """Return the function by which templates ask what a visitor may do."""
    scopes = visitor.scopes if visitor else ()
    return lambda required: grants(scopes, required)
