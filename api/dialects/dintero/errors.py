"""Dintero's errors."""

from typing import Any

from fastapi import Response

from api.dialects.dintero.models import DinteroError
from api.http.dialect import of_every_route
from api.http.problems import Kind, Problem, dotted
from api.http.requests import Json

_CODES = {
    Kind.INVALID: "BAD REQUEST",
    Kind.UNAUTHENTICATED: "ACCESS FORBIDDEN",
    Kind.INTERNAL: "SERVER ERROR",
    Kind.DAMAGED: Kind.UNAVAILABLE.title.upper(),
}


def render(problem: Problem) -> Response:
    """Render a problem as Dintero does: its codes are the names of its documented answers, in upper case."""
    code = _CODES.get(problem.kind) or problem.kind.title.upper()
    errors = [{"field": dotted(fault.where), "message": fault.what, "type": fault.type} for fault in problem.faults]
    response = Json(
        {"error": {"code": code, "message": problem.detail, "errors": errors}},
        status_code=400 if problem.kind is Kind.INVALID else problem.status,
    )
    if problem.kind is Kind.UNAUTHENTICATED:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


RESPONSES: dict[int | str, dict[str, Any]] = {
    **of_every_route(DinteroError),
    400: {"model": DinteroError, "description": "Bad / invalid request"},
    401: {"model": DinteroError, "description": "No valid credential"},
    403: {"model": DinteroError, "description": "Another account, or the scope is lacking"},
    "4XX": {"model": DinteroError, "description": "Other errors"},
}
"""The answers that every route may give besides its own."""
