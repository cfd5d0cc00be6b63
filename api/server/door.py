"""The door of a worker: it refuses what the worker cannot answer in time, before a body is read."""

from math import inf
from time import monotonic

from fastapi import Response

from api.app import dialect_of, refused
from api.http.conditions import SAFE_METHODS
from api.http.reading.headers import Headers
from api.http.request_ids import RAW_HEADER, id_of_request
from application.runtime.admission import QUEUE_SECONDS, Admission, Overloaded, ShareTaken, Ticket
from application.runtime.measures import HTTP_REQUESTS_REFUSED

ALWAYS_OPEN = frozenset({b"/healthz", b"/readyz", b"/metrics"})
"""Paths that are answered under any load: they say how the worker is."""

RENDERED_SECONDS = 1.0
"""How long an answer that refuses is used again: some tell the time."""

MAX_UNREAD = 64 * 1024
"""The largest body that is received although its request was refused, so that the connection can be used again."""


class Door:
    """Lets requests in. Writes and reads are counted apart, so that neither shuts out the other."""

    def __init__(self, *, queue_seconds: float = QUEUE_SECONDS) -> None:
        self._rendered: dict[tuple[int, type[Exception]], tuple[float, Response]] = {}
        self._writes = Admission("Writes", queue_seconds=queue_seconds)
        self._reads = Admission("Reads", queue_seconds=queue_seconds)

    def ticket(self, method: str, path: bytes, headers: Headers) -> Ticket | None:
        """Return the ticket of a request; None if it needs none. Raises Overloaded, ShareTaken."""
        if path in ALWAYS_OPEN:
            return None
        admission = self._reads if method in SAFE_METHODS else self._writes
        return admission.ticket(headers.get(b"authorization", b""), int(headers.get(b"content-length", b"0")))

    def answer(self, path: str, error: Overloaded | ShareTaken, headers: Headers) -> Response:
        """Return the answer to a request that is not let in, in the dialect of its path. It is rendered once a second.

        It has the id of the request with these headers.
        """
        kind, now = (id(dialect_of(path)), type(error)), monotonic()
        made_at, rendered = self._rendered.get(kind, (-inf, None))
        if rendered is None or now - made_at > RENDERED_SECONDS:
            rendered = refused(path, error)
            self._rendered[kind] = now, rendered
        HTTP_REQUESTS_REFUSED.add()
        response = Response(status_code=rendered.status_code)
        response.body = rendered.body
        response.raw_headers = [*rendered.raw_headers, (RAW_HEADER, id_of_request(headers).encode())]
        return response


def is_body_small(headers: Headers) -> bool:
    """Return whether a request's body is announced as small, and is sent without being asked for.

    Whatever a client expects, what it sends is not known then.
    """
    is_sent = b"transfer-encoding" not in headers and b"expect" not in headers
    return is_sent and int(headers.get(b"content-length", b"0")) <= MAX_UNREAD
