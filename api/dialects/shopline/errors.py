"""SHOPLINE's errors."""

from typing import Any

from fastapi import Response
from pydantic import BaseModel, Field

from api.http.dialect import of_every_route
from api.http.problems import Kind, Problem, dotted
from api.http.requests import Json

_UNREADABLE = {"json_invalid", "duplicate_member", "coding_invalid"}
"""What is wrong with a body that nothing can be made of."""


class Refusal(BaseModel):
    """Why a request was refused."""

    message: str
    code: str = Field(examples=["Forbidden"])


class Invalid(Refusal):
    """What is wrong with a request."""

    error: str = Field(examples=["Invalid request"])
    extras: dict[str, Any] = Field(examples=[{"errors": [{"field": "body.status", "message": "Field required"}]}])


class Malformed(BaseModel):
    """What is wrong with a request that cannot be parsed."""

    error: str
    message: str
    code: str = Field(examples=["BadRequest"])
    caused_by: dict[str, Any]


class TooMany(BaseModel):
    """The error for requests that come too fast."""

    error: str = Field(examples=["Too many requests with this credential; try again in 1 s"])
    message: str = Field(examples=["Too many requests with this credential; try again in 1 s"])
    code: str = Field(examples=["RateLimitExceeded"])


_CODES = {
    Kind.MALFORMED: "BadRequest",
    Kind.UNAUTHENTICATED: "Unauthorized",
    Kind.INVALID: "UnprocessableEntity",
    Kind.CONFLICT: "UnprocessableEntity",
    # The name on the vendor's page about splits.
    Kind.CHANGED: "parent_order_updated",
    Kind.TOO_MANY: "RateLimitExceeded",
    Kind.INTERNAL: "InternalServerError",
    Kind.DAMAGED: "ServiceUnavailable",
}


def render(problem: Problem) -> Response:
    """Render a problem as SHOPLINE does: message and code, and for some statuses further members.

    The vendor's SDK makes its exceptions from message and code, whatever the status is.
    """
    kind = Kind.MALFORMED if any(fault.type in _UNREADABLE for fault in problem.faults) else problem.kind
    # What the order does not allow is a 422 there: its documents have no 409.
    status = 422 if kind.status == Kind.CONFLICT.status else kind.status
    code = _CODES.get(kind) or kind.title.title().replace(" ", "")
    faults = [{"field": dotted(fault.where), "message": fault.what} for fault in problem.faults]
    body: dict[str, Any]
    match status:
        case 400:
            body = {"error": problem.detail, "message": problem.detail, "code": code, "caused_by": {"errors": faults}}
        case 422:
            extras = {"errors": faults}
            body = {"error": problem.kind.title, "message": problem.detail, "code": code, "extras": extras}
        case 429:
            body = {"error": problem.detail, "message": problem.detail, "code": code}
        case _:
            body = {"message": problem.detail, "code": code}
    response = Json(body, status_code=status)
    if problem.kind is Kind.UNAUTHENTICATED:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


_DESCRIPTIONS: dict[int, tuple[type[BaseModel], str]] = {
    400: (Malformed, "The body is not JSON"),
    401: (Refusal, "No valid token"),
    403: (Refusal, "The token lacks the scope"),
    404: (Refusal, "No such order"),
    410: (Refusal, "The order is archived"),
    422: (Invalid, "The request is not valid, or the order does not allow it"),
    429: (TooMany, "More requests a second than a token may send"),
}


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the answers of a route besides its own, for the documentation."""
    said = {s: {"model": _DESCRIPTIONS[s][0], "description": _DESCRIPTIONS[s][1]} for s in statuses}
    return of_every_route(Refusal) | said
