"""What is sent to Ordertrail and what comes back, without any input or output of its own."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any, NamedTuple
from urllib.parse import quote

Event = dict[str, Any]
"""An event as a CloudEvent: id, type, subject, time, data, position, streamversion, recordedtime …"""

NDJSON = "application/x-ndjson"
POSITION = "Ordertrail-Position"
BEYOND_HEAD = "beyond-head"


class Problem(Exception):
    """Ordertrail refused a request: its status, the last word of the problem's type, and the detail for people."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        self.status = status
        self.type = str(body.get("type", "")).rpartition(":")[2]
        self.detail = str(body.get("detail", ""))
        self.body = body
        super().__init__(f"{status} {self.type}: {self.detail}")


class Page(NamedTuple):
    """A part of the ledger, and the position to read on after. All was read if nothing is in it."""

    events: list[Event]
    next: int


@dataclass(frozen=True)
class Call:
    """One request."""

    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None


class OwnWrites:
    """How far the client's own writes go, which its reads have to show. Threads may share it."""

    def __init__(self, *, are_told: bool) -> None:
        self._are_told = are_told
        self._position = 0
        self._lock = Lock()

    def told_with(self, call: Call) -> Call:
        """Return a read with the position of the newest own write; any other call as it is."""
        if call.method != "GET" or not self._position or not self._are_told:
            return call
        return replace(call, headers={**call.headers, POSITION: str(self._position)})

    def note(self, call: Call, headers: Mapping[str, str]) -> None:
        """Remember the position in the answer to a write."""
        if call.method != "GET" and POSITION in headers:
            with self._lock:
                self._position = max(self._position, int(headers[POSITION]))

    def note_problem(self, problem: Problem) -> None:
        """Forget the position if the ledger does not go so far any more: it was restored from an earlier copy."""
        if problem.type == BEYOND_HEAD:
            with self._lock:
                self._position = 0


@dataclass(frozen=True)
class Filter:
    """The events that are wanted. Nothing restricts where nothing is named."""

    types: Iterable[str] = ()
    orders: Iterable[str] = ()
    services: Iterable[str] = ()
    integrations: Iterable[int] = ()

    def query(self) -> dict[str, list[Any]]:
        named = {
            "type": self.types,
            "order": self.orders,
            "service": self.services,
            "integration": self.integrations,
        }
        return {name: list(values) for name, values in named.items() if values}


def append(
    order_id: str, events: Iterable[Event], *, expected_version: int | None, idempotency_key: str | None
) -> Call:
    """Return the request that appends events to an order."""
    headers = {}
    if expected_version is not None:
        headers["If-Match"] = f'"{expected_version}"'
    if idempotency_key is not None:
        headers["Idempotency-Key"] = idempotency_key
    return Call(
        "POST", f"/trail/v1/orders/{quote(order_id, safe='')}/events", headers=headers, body={"events": list(events)}
    )


def read(wanted: Filter, *, after: int | str, limit: int, wait: int) -> Call:
    """Return the request for a page of the ledger."""
    return Call("GET", "/trail/v1/feed", query={**wanted.query(), "after": after, "limit": limit, "wait": wait})


def page(body: Mapping[str, Any]) -> Page:
    """Return the page in an answer."""
    return Page(body["items"], body["next"])


def problem(status: int, body: Any) -> Problem:
    """Return what an answer says that is an error."""
    return Problem(status, body if isinstance(body, Mapping) else {"detail": str(body)})
