"""What is known of each request while it is answered: its id, which is the sender's or ours, and its origin."""

import re
import secrets
from collections.abc import Iterable

from starlette.types import ASGIApp, Receive, Scope, Send

from application.ledger.fields import of_valid
from application.runtime.request_context import RequestContext, current
from domain.values import Origin

HEADER = "X-Request-Id"
_RAW_HEADER = HEADER.lower().encode()
_SANE = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,128}")
"""The ids that are accepted: nothing that could break a line of the log, or a header."""


MAX_PATH = 2_000


def new_request_id() -> str:
    """Return an id for a request without one."""
    return secrets.token_hex(8)


def _request_id(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Return the request's own id, or a new one."""
    brought = next((value for name, value in headers if name == _RAW_HEADER), b"")
    return brought.decode("ascii") if _SANE.fullmatch(brought) else new_request_id()


def _origin(scope: Scope) -> Origin:
    # The path as it was sent, because a decoded path may hold characters that events must not. No route's path is cut
    # here.
    return of_valid(Origin, method=scope["method"], path=scope["raw_path"].decode("ascii", "replace")[:MAX_PATH])


class RequestContexts:
    """Makes the current request known everywhere in an application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            current.set(RequestContext(lambda: _request_id(scope["headers"]), lambda: _origin(scope)))
        await self._app(scope, receive, send)


def request_id() -> str:
    """Return the id of the request that is being answered."""
    context = current.get()
    return new_request_id() if context is None else context.id
