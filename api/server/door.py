"""The door of a worker: it refuses what the worker cannot answer in time, before a body is read."""

from collections.abc import Sequence
from math import inf
from time import monotonic

from fastapi import Response

from api.app import dialect_of, refused
from api.http.conditions import SAFE_METHODS
from application.runtime.admission import QUEUE_SECONDS, Admission, Overloaded, ShareTaken, Ticket
from application.runtime.measures import HTTP_REQUESTS_REFUSED

ALWAYS_OPEN = frozenset({b"/healthz", b"/readyz", b"/metrics"})
"""Paths that are answered under any load: they say how the worker is."""

RENDERED_SECONDS = 1.0
"""How long an answer that refuses is used again: some tell the time."""

Headers = Sequence[tuple[bytes, bytes]]
MAX_UNREAD = 64 * 1024
"""The largest body that is received although its request was refused, so that the connection can be used again."""


class Door:
    """Lets requests in. Writes and reads are counted apart, so that neither shuts out the other."""

    def __init__(self, *, queue_seconds: float = QUEUE_SECONDS) -> None:
        self._rendered: dict[tuple[int, type[Exception]], tuple[float, Response]] = {}
        self._writes = Admission("Writes", queue_seconds=queue_seconds)
        self._reads = Admission("Reads", queue_seconds=queue_seconds)

    def ticket(self, method: bytes, path: bytes, headers: Headers) -> Ticket | None:
        """Return the ticket of a request; None if it needs none. Raises Overloaded, ShareTaken."""
        if path in ALWAYS_OPEN:
            return None
        sender, size = b"", 0
        for name, value in headers:
            if name == b"authorization":
                sender = value
            elif name == b"content-length":
                size = int(value)
        admission = self._reads if method.decode("ascii") in SAFE_METHODS else self._writes
        return admission.ticket(sender, size)

    def answer(self, path: str, error: Overloaded | ShareTaken) -> Response:
        """Return the answer to a request that is not let in, in the dialect of its path. It is made once a second."""
        kind, now = (id(dialect_of(path)), type(error)), monotonic()
        made_at, response = self._rendered.get(kind, (-inf, None))
        if response is None or now - made_at > RENDERED_SECONDS:
            response = refused(path, error)
            self._rendered[kind] = now, response
        HTTP_REQUESTS_REFUSED.add()
        return response


def is_body_small(headers: Headers) -> bool:
    """Return whether a request's body is announced as small, and is sent without being asked for."""
    said = dict(headers)
    is_sent = b"transfer-encoding" not in said and b"expect" not in said
    return is_sent and int(said.get(b"content-length", b"0")) <= MAX_UNREAD
