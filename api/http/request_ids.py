"""Ids of requests: the sender's, or ours."""

import re
import secrets
from functools import cache
from itertools import count

from api.http.reading.headers import Headers
from application.runtime.request_context import current

HEADER = "X-Request-Id"
RAW_HEADER = HEADER.lower().encode()
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


def id_of_request(headers: Headers) -> str:
    """Return the request's own id, or a new one."""
    sent = headers.get(RAW_HEADER)
    return new_request_id() if sent is None or not _SANE.fullmatch(sent) else sent.decode("ascii")


def request_id() -> str:
    """Return the id of the request that is being answered."""
    context = current.get()
    return new_request_id() if context is None else context.id
