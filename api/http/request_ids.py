"""What is known of each request while it is answered: its id, which is the sender's or ours, and its origin."""

import re
import secrets
from asyncio import CancelledError
from collections.abc import Callable
from functools import cache
from itertools import count

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.observation.answering import Answering, Observe
from api.http.observation.tracing import traceparent_of
from api.http.tickets import ticket_of
from application.ledger.fields import of_valid
from application.runtime.admission import current_ticket
from application.runtime.request_context import RequestContext, current
from domain.errors import Unavailable
from domain.values import Origin

Render = Callable[[Request, Exception], Response]

ENDING = "This process is shutting down; try again"
HEADER = "X-Request-Id"
IS_HEAD = "ordertrail.is_head"
"""What says in a scope that the request asks for the head of an answer alone."""
_RAW_HEADER = HEADER.lower().encode()
_SANE = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,128}")
"""The ids that are accepted: nothing that could break a line of the log, or a header."""
MAX_PATH = 2_000
_numbers = count()


def new_request_id() -> str:
    """Return an id for a request without one."""
    return f"{_process()}{next(_numbers):08x}"


@cache
def _process() -> str:
    # The first request of a process asks for it, so processes that were forked have ids of their own.
    return secrets.token_hex(4)


def id_of_request(scope: Scope) -> str:
    """Return the request's own id, or a new one."""
    for name, value in scope["headers"]:
        if name == _RAW_HEADER:
            return value.decode("ascii") if _SANE.fullmatch(value) else new_request_id()
    return new_request_id()


def _origin(scope: Scope) -> Origin:
    # The path as it was sent, because a decoded path may hold characters that events must not. No route's path is cut
    # here.
    path = scope["raw_path"].decode("ascii", "replace")[:MAX_PATH]
    return of_valid(Origin, method=scope["method"], path=path, traceparent=traceparent_of(scope))


class RequestContexts:
    """Makes the current request known everywhere in an application, and its answer to those who observe."""

    def __init__(self, app: ASGIApp, observe: Observe, render: Render) -> None:
        self._app = app
        self._observe = observe
        self._render = render

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        context = RequestContext(lambda: id_of_request(scope), lambda: _origin(scope))
        current.set(context)
        ticket = ticket_of(scope)
        current_ticket.set(ticket)
        # The server sends the head of the answer alone.
        asked = {**scope, "method": "GET", IS_HEAD: True} if scope["method"] == "HEAD" else scope
        answering = Answering(send, (_RAW_HEADER, context.id.encode()))
        try:
            await self._app(asked, receive, answering)
        except CancelledError:
            # The server ends, and has waited for this request as long as it may.
            if answering.status:
                raise
            await self._render(Request(asked), Unavailable(ENDING, is_told=True))(asked, receive, answering)
        finally:
            if ticket is not None:
                ticket.leave()
            self._observe(asked, answering.status, answering.seconds)


def request_id() -> str:
    """Return the id of the request that is being answered."""
    context = current.get()
    return new_request_id() if context is None else context.id
