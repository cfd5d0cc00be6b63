"""Sendcloud's errors: a list, in the style of JSON:API."""

from http import HTTPStatus
from typing import Any

from fastapi import Response
from pydantic import BaseModel, Field

from api.http.problems import Fault, Kind, Problem
from api.http.requests import Json

_CODES = {
    Kind.INVALID: "invalid",
    Kind.MALFORMED: "invalid",
    Kind.UNAUTHENTICATED: "authentication_failed",
    Kind.FORBIDDEN: "forbidden",
    Kind.NOT_FOUND: "not_found",
    Kind.BEYOND_HEAD: "conflict",
    Kind.METHOD_NOT_ALLOWED: "method_not_allowed",
    Kind.TOO_MANY: "throttled",
    Kind.INTERNAL: "error",
    Kind.UNAVAILABLE: "service_unavailable",
    Kind.DAMAGED: "service_unavailable",
}
_FAULT_CODES = {
    "missing": "required",
    "extra_forbidden": "extra_forbidden",
    "null": "null",
    "greater_than_equal": "min_value",
}


class Source(BaseModel):
    """The part of the request that an error is about."""

    pointer: str | None = Field(None, examples=["body/unknown_field"])
    parameter: str | None = None
    header: str | None = None


class SendcloudError(BaseModel):
    """One thing that went wrong."""

    status: str = Field(examples=["400"])
    code: str = Field(examples=["extra_forbidden"])
    title: str | None = Field(None, examples=["Extra Forbidden"])
    detail: str = Field(examples=["Extra inputs are not permitted"])
    source: Source | None = None


class Errors(BaseModel):
    """What went wrong."""

    errors: list[SendcloudError]


def render(problem: Problem) -> Response:
    """Render a problem as Sendcloud does."""
    status = HTTPStatus.BAD_REQUEST if problem.kind is Kind.INVALID else HTTPStatus(problem.status)
    if problem.kind is Kind.UNAUTHENTICATED:
        # As recorded from the vendor: no title, and a pointer to the whole request.
        error = {
            "status": "401",
            "code": _CODES[problem.kind],
            "detail": problem.detail,
            "source": {"pointer": "/data"},
        }
        return Json({"errors": [error]}, status_code=401, headers={"WWW-Authenticate": 'Basic realm="api"'})
    errors = [_fault_error(status, fault) for fault in problem.faults]
    errors = errors or [_error(status, _CODES.get(problem.kind, "validation_error"), problem.detail)]
    return Json({"errors": errors}, status_code=status)


def _error(status: HTTPStatus, code: str, detail: str) -> dict[str, Any]:
    # A text, as in the vendor's schema and its recorded answers; its samples have a number.
    return {"status": str(status.value), "code": code, "title": code.replace("_", " ").title(), "detail": detail}


def _fault_error(status: HTTPStatus, fault: Fault) -> dict[str, Any]:
    error = _error(status, _FAULT_CODES.get(fault.type, "invalid"), fault.what)
    place, *path = fault.where
    match place:
        case "header":
            error["source"] = {"header": str(path[-1])}
        case "path" | "query":
            error["source"] = {"parameter": str(path[-1])}
        case _:
            error["source"] = {"pointer": "/".join(map(str, fault.where))}
    return error
