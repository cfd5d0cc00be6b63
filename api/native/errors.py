"""Native errors: problem details (RFC 9457)."""

from typing import Any

from fastapi import Response
from pydantic import BaseModel, Field

from api.http.problems import Problem, json_pointer
from api.http.requests import Json
from domain.errors import BeyondHead, IntegrationNotFound, OrderNotFound


class FaultTold(BaseModel):
    """One thing wrong with the request."""

    pointer: str = Field(
        description="A JSON pointer into the body; or the name of a header or of a parameter of the path or the query.",
        examples=["/events/0/type"],
    )
    detail: str = Field(examples=["is not a type of event an order can have"])
    type: str = Field(examples=["missing"])


class ProblemDetails(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str = Field(examples=["urn:ordertrail:problem:not-found"])
    title: str = Field(examples=["Not found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["There is no order 'A-1001'; create it with POST /trail/v1/orders"])
    errors: list[FaultTold] = []
    head: int | None = Field(None, description="Of beyond-head: the position of the ledger's newest event")


class ProblemJson(Json):
    """An answer in problem details."""

    media_type = "application/problem+json"


def render(problem: Problem) -> Response:
    """Render a problem in the form of RFC 9457."""
    response = ProblemJson(details_of(problem).model_dump(exclude_defaults=True), status_code=problem.status)
    if problem.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def details_of(problem: Problem) -> ProblemDetails:
    """Return a problem in the form of RFC 9457."""
    name = problem.kind.name.lower().replace("_", "-")
    return ProblemDetails(
        type=f"urn:ordertrail:problem:{name}",
        title=problem.kind.title,
        status=problem.status,
        detail=problem.detail + _hint(problem),
        head=problem.cause.head if isinstance(problem.cause, BeyondHead) else None,
        errors=[FaultTold(pointer=_pointer(f.where), detail=f.what, type=f.type) for f in problem.faults],
    )


def _hint(problem: Problem) -> str:
    """Return what the sender of the request can do about it; an empty text if there is nothing to say."""
    match problem.cause:
        case OrderNotFound():
            return "; create it with POST /trail/v1/orders"
        case IntegrationNotFound(integration_id=id_):
            return f"; register it with PUT /trail/v1/integrations/{id_}"
        case _:
            return ""


def _pointer(where: tuple[str | int, ...]) -> str:
    if where[0] != "body":
        return ".".join(map(str, where[1:]))
    return json_pointer(where[1:])


RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"model": ProblemDetails, "content": {"application/problem+json": {}}, "description": description}
    for status, description in {
        401: "No valid credential",
        403: "The credential lacks the scope",
        404: "No such thing",
        409: "Conflict with what is there",
        412: "If-Match names another version",
        413: "The body is too large",
        415: "The body is not sent as JSON, or compressed by an unknown coding",
        422: "Invalid request, or the Idempotency-Key was used for another one",
        429: "The tenant has its share of a busy worker; try again after the time in Retry-After",
        500: "A fault of the server; its log says more",
        503: "The database cannot do this at the moment, or needed data was damaged in it; the detail says why",
    }.items()
}
"""The errors that every native route may answer."""
