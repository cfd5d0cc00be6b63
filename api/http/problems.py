"""Problems of requests, in neutral words; each dialect renders them in its own."""

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from application.delivery.errors import LeaseLost
from application.runtime.admission import ShareTaken
from domain import errors
from domain.values import FORM


class Kind(Enum):
    """Kinds of problems, each with its HTTP status; a dialect may use another status."""

    MALFORMED = (400, "Malformed request")
    INVALID = (422, "Invalid request")
    UNAUTHENTICATED = (401, "Unauthenticated")
    FORBIDDEN = (403, "Forbidden")
    NOT_FOUND = (404, "Not found")
    METHOD_NOT_ALLOWED = (405, "Method not allowed")
    CONFLICT = (409, "Conflict")
    CHANGED = (409, "Changed since")
    BEYOND_HEAD = (409, "Beyond the head")
    LEASE_LOST = (409, "Lease lost")
    GONE = (410, "Gone")
    PRECONDITION_FAILED = (412, "Precondition failed")
    TOO_LARGE = (413, "Request too large")
    UNSUPPORTED = (415, "Unsupported media type")
    KEY_REUSED = (422, "Idempotency key reused")
    TOO_MANY = (429, "Too many requests")
    HEAD_TOO_LARGE = (431, "Request head too large")
    INTERNAL = (500, "Internal error")
    UNPROVEN = (500, "Not proven")
    UNAVAILABLE = (503, "Service unavailable")
    DAMAGED = (503, "Stored data damaged")

    def __init__(self, status: int, title: str) -> None:
        self.status, self.title = status, title


class Fault(NamedTuple):
    """One fault of a request: where (such as body, events, 0, type), what, and pydantic's name for it."""

    where: tuple[str | int, ...]
    what: str
    type: str


class Problem(NamedTuple):
    """What went wrong."""

    kind: Kind
    detail: str
    faults: tuple[Fault, ...] = ()
    headers: Mapping[str, str] = {}
    cause: errors.OrdertrailError | None = None
    may_be_done: bool = False
    """Whether what was asked for may be done all the same."""

    @property
    def status(self) -> int:
        return self.kind.status


class InvalidRequest(errors.OrdertrailError):
    """The request is not valid."""

    def __init__(self, *faults: Fault) -> None:
        self.faults = faults
        super().__init__("; ".join(f"{dotted(fault.where)}: {fault.what}" for fault in faults))


class TooLarge(errors.OrdertrailError):
    """The request's body is larger than this server accepts."""


class UnsupportedMediaType(errors.OrdertrailError):
    """The request's body is not JSON by its Content-Type."""


class UnsupportedCoding(UnsupportedMediaType):
    """The request's body is compressed in a way that this server does not know."""

    def __init__(self, sent: str, accepted: Sequence[str]) -> None:
        self.accepted = accepted
        super().__init__(f"Send the body as it is, or compressed once by {' or '.join(accepted)}; it came as {sent}")


class TooManyRequests(errors.OrdertrailError):
    """The credential sends more requests than it may; retry_after is the number of seconds to wait."""

    def __init__(self, retry_after: int) -> None:
        self.retry_after = retry_after
        super().__init__(f"Too many requests with this credential; try again in {retry_after} s")


class PreconditionFailed(errors.OrdertrailError):
    """The present version is not one that If-Match names."""


MAX_NAME = 255
"""How many characters of a member's name are repeated. A sender may make a name as long as the body."""


def dotted(where: Sequence[str | int]) -> str:
    """Return a place in a request as text for people: body.events.0.type."""
    return ".".join(map(str, where))


def json_pointer(path: Sequence[str | int]) -> str:
    """Return a place in a JSON document in the form of RFC 6901: /events/0/type."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def faults_of(validation_errors: Sequence[Any], *prefix: str | int) -> tuple[Fault, ...]:
    """Return pydantic's errors as faults."""
    return tuple(
        Fault((*prefix, *_place(error["loc"])), error["msg"].removeprefix("Value error, "), error["type"])
        for error in validation_errors
    )


def _place(location: Sequence[str | int]) -> Iterator[str | int]:
    """Yield a place as the client knows it, without pydantic's tags for the forms of values."""
    for part in location:
        if not isinstance(part, str):
            yield part
        elif not part.startswith(FORM):
            yield part[:MAX_NAME]


_KINDS: tuple[tuple[type[errors.OrdertrailError], Kind], ...] = (
    (errors.Unauthenticated, Kind.UNAUTHENTICATED),
    (errors.AccessDenied, Kind.FORBIDDEN),
    (errors.OrderArchived, Kind.GONE),
    (errors.BeyondHead, Kind.BEYOND_HEAD),
    (errors.NotFound, Kind.NOT_FOUND),
    (LeaseLost, Kind.LEASE_LOST),
    (PreconditionFailed, Kind.PRECONDITION_FAILED),
    (errors.VersionConflict, Kind.CONFLICT),
    (errors.OrderChanged, Kind.CHANGED),
    (errors.RuleViolation, Kind.CONFLICT),
    (errors.EventIdReused, Kind.CONFLICT),
    (errors.KeyReused, Kind.KEY_REUSED),
    (TooLarge, Kind.TOO_LARGE),
    (UnsupportedMediaType, Kind.UNSUPPORTED),
    (TooManyRequests, Kind.TOO_MANY),
    (ShareTaken, Kind.TOO_MANY),
    (errors.Unproven, Kind.UNPROVEN),
    (errors.OutcomeUnknown, Kind.UNAVAILABLE),
    (errors.Unavailable, Kind.UNAVAILABLE),
    (errors.UnreadableEvent, Kind.DAMAGED),
    (errors.UnreadableKey, Kind.DAMAGED),
    (errors.OrdertrailError, Kind.INVALID),
)

# The framework's own answers that hold only the name of the status.
_STATUSES = {
    404: (Kind.NOT_FOUND, "There is nothing at this path; the paths are listed at /docs"),
    405: (Kind.METHOD_NOT_ALLOWED, "This path does not take this method; the paths are listed at /docs"),
}


def problem_of(error: Exception) -> Problem:
    """Return an exception's meaning for the sender of the request."""
    match error:
        case RequestValidationError():
            faults = faults_of(error.errors())
            return Problem(Kind.INVALID, str(InvalidRequest(*faults)), faults)
        case errors.Misconfigured():
            # The details are only for the operator, who can change the setup.
            detail = "This service is not set up correctly; its log tells the operator what is wrong"
            return Problem(Kind.UNAVAILABLE, detail, headers=_headers(Kind.UNAVAILABLE, error))
        case errors.OrdertrailError():
            kind = next(kind for type_, kind in _KINDS if isinstance(error, type_))
            faults = error.faults if isinstance(error, InvalidRequest) else ()
            return Problem(kind, str(error), faults, _headers(kind, error), error)
        case HTTPException(__cause__=errors.OrdertrailError() | RequestValidationError() as cause):
            # FastAPI wraps every error while it reads a body.
            return problem_of(cause)
        case HTTPException():
            kind, detail = _STATUSES.get(error.status_code, (Kind.INVALID, error.detail))
            return Problem(kind, detail, headers=error.headers or {})
        case _:
            return Problem(Kind.INTERNAL, "Something went wrong on our side; it was logged")


_MAY_BE_DONE = (
    "What you asked for may be done all the same. What had event ids or an Idempotency-Key can be sent again with the "
    "same ones, and is not stored twice. Before you send anything else again, check whether it was done"
)


def without_promise(problem: Problem) -> Problem:
    """Return the problem of a request that may have stored something. Retry-After would promise that it did not."""
    if "Retry-After" not in problem.headers:
        return problem
    headers = {name: value for name, value in problem.headers.items() if name != "Retry-After"}
    return problem._replace(detail=f"{problem.detail.rstrip('.')}. {_MAY_BE_DONE}", headers=headers, may_be_done=True)


_RETRY_AFTER = {Kind.UNAVAILABLE: "1", Kind.TOO_MANY: "1", Kind.DAMAGED: "60"}
"""Seconds. Somebody has to restore damaged data, and what clients send meanwhile should not be lost."""


def _headers(kind: Kind, error: Exception) -> dict[str, str]:
    match error:
        case TooManyRequests():
            return {"Retry-After": str(error.retry_after)}
        case UnsupportedCoding():
            return {"Accept-Encoding": ", ".join(error.accepted)}
        case errors.OutcomeUnknown():
            # The text says whether and how to try again; waiting alone does not make the outcome certain.
            return {}
        case _:
            return {"Retry-After": _RETRY_AFTER[kind]} if kind in _RETRY_AFTER else {}
