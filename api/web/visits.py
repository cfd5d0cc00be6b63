"""Who looks at which page: what a page about an error needs, which knows only the error."""

from contextvars import ContextVar
from typing import NamedTuple

from fastapi import Request

from api.web.security import COOKIE
from application.access.callers import Caller


class PageVisit(NamedTuple):
    """A look at a page. The visitor is None until they are known; may_return says whether the page may be asked for
    again.
    """

    path: str = ""
    has_session: bool = False
    may_return: bool = False
    visitor: Caller | None = None


_NONE = PageVisit()
_visit: ContextVar[PageVisit] = ContextVar("visit", default=_NONE)


def begin_visit(request: Request) -> None:
    """Note which page is asked for."""
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    _visit.set(PageVisit(path, COOKIE in request.cookies, request.method in {"GET", "HEAD"}))


def note_visitor(visitor: Caller) -> None:
    """Note who asks for it."""
    _visit.set(_visit.get()._replace(visitor=visitor))


def this_visit() -> PageVisit:
    """Return the look at a page that is being answered."""
    return _visit.get()
