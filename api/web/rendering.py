"""Renders templates, with the headers that every page has."""

import gzip
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib.resources import as_file, files
from typing import Any

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
    made.globals.update(asset=asset_url, visitor=None, here="", part=False)
    made.tests["moment"] = lambda value: isinstance(value, datetime)
    made.filters.update(wording.FILTERS | moments.FILTERS | amounts.FILTERS)
    return made


def page(
    request: Request, template: str, *, status: int = 200, visitor: Caller | None = None, **shown: Any
) -> Response:
    """Return a page. With ?part in its address, it is the page's content alone, which scripts put into a page."""
    is_part = "part" in request.query_params
    shown = {"visitor": visitor, "may": may(visitor), "part": is_part, "here": request.url.path, **shown}
    return html(environment().get_template(template).render(shown), status=status, packed=takes_gzip(request))


def html(text: str, *, status: int = 200, packed: bool = False, headers: Mapping[str, str] | None = None) -> Response:
    """Return the answer with this text."""
    content, extra = text.encode(), dict(headers or {})
    if packed and len(content) > _SMALL:
        content = gzip.compress(content, compresslevel=5, mtime=0)
        extra |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    return HTMLResponse(content, status_code=status, headers={**HEADERS, **extra})


def may(visitor: Caller | None) -> Any:
    """Return the function by which templates ask what a visitor may do."""
    scopes = visitor.scopes if visitor else ()
    return lambda required: grants(scopes, required)
