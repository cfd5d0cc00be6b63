"""The name of each request in its answer and in the log: the sender's, or ours."""

import re
import secrets
from functools import cache
from itertools import count

from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.answering import Answering, Observe
from application.runtime.request_context import RequestContext, current

HEADER = "X-Request-Id"
_RAW_HEADER = HEADER.lower().encode()
_SANE = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,128}")
"""The ids that are accepted: nothing that could break a line of the log, or a header."""
_numbers = count()


def new_request_id() -> str:
    """Return an id for a request without one."""
    return f"{_process()}{next(_numbers):08x}"


@cache
def _process() -> str:
    # The first request of a process asks for it, so processes that were forked have ids of their own.
    return secrets.token_hex(4)


def _request_id(scope: Scope) -> str:
    """Return the request's own id, or a new one."""
    for name, value in scope["headers"]:
        if name == _RAW_HEADER:
            return value.decode("ascii") if _SANE.fullmatch(value) else new_request_id()
    return new_request_id()


class RequestContexts:
    """Makes the current request known everywhere in an application, and its answer to those who observe."""

    def __init__(self, app: ASGIApp, observe: Observe) -> None:
        self._app = app
        self._observe = observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        context = RequestContext(lambda: _request_id(scope))
        current.set(context)
        asked = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope  # the server sends the head alone
        answering = Answering(send, (_RAW_HEADER, context.id.encode()))
        try:
            await self._app(asked, receive, answering)
        finally:
            self._observe(asked, answering.status, answering.seconds)


def request_id() -> str:
    """Return the id of the request that is being answered."""
    context = current.get()
    return new_request_id() if context is None else context.id
