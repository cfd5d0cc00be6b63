"""The name of each request in answers and in the log: the sender's, or ours."""

import re
import secrets
from collections.abc import Iterable

from starlette.types import ASGIApp, Receive, Scope, Send

from application.runtime.request_context import RequestContext, current

HEADER = "X-Request-Id"
_RAW_HEADER = HEADER.lower().encode()
_SANE = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,128}")
"""The ids that are accepted: nothing that could break a line of the log, or a header."""


def new_request_id() -> str:
    """Return an id for a request without one."""
    return secrets.token_hex(8)


def _request_id(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Return the request's own id, or a new one."""
    brought = next((value for name, value in headers if name == _RAW_HEADER), b"")
    return brought.decode("ascii") if _SANE.fullmatch(brought) else new_request_id()


class RequestContexts:
    """Makes the current request known everywhere in an application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = scope["headers"]
            current.set(RequestContext(lambda: _request_id(headers)))
        await self._app(scope, receive, send)


def request_id() -> str:
    """Return the id of the request that is being answered."""
    context = current.get()
    return new_request_id() if context is None else context.id
