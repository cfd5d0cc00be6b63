"""Carriyo's errors of order operations."""

from datetime import UTC, datetime
from typing import Any, Literal

from fastapi import Response
from pydantic import BaseModel, Field

from api.http.problems import Fault, Kind, Problem, dotted
from api.http.requests import Json


class CarriyoErrorDetail(BaseModel):
    """One fault of a request, for programs."""

    source: Literal["CARRIYO"]
    level: Literal["ERROR"]
    code: str = Field(examples=["MISSING"])
    field: str = Field(examples=["event_type"])
    message: str


class CarriyoError(BaseModel):
    """What went wrong; error_details is present if the error is about fields of the request."""

    status: str = Field(examples=["404"])
    timestamp: str = Field(examples=["2026-03-01T12:00:00.000+00:00"])
    errors: list[str]
    error_details: list[CarriyoErrorDetail] | None = None


def render(problem: Problem) -> Response:
    """Render a problem as Carriyo's order operations do: in the simple shape or, for faults of fields, in both."""
    status = 400 if problem.kind is Kind.INVALID else problem.status
    details = [_detail(fault) for fault in problem.faults]
    body: dict[str, Any] = {
        "status": str(status),
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "errors": [f"{detail['field']} : {detail['message']}" for detail in details] or [problem.detail],
    }
    if details:
        body["error_details"] = details
    response = Json(body, status_code=status)
    if problem.kind is Kind.UNAUTHENTICATED:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _detail(fault: Fault) -> dict[str, str]:
    return {
        "source": "CARRIYO",
        "level": "ERROR",
        "code": fault.type.upper(),
        "field": dotted(fault.where[1:] or fault.where),
        "message": fault.what,
    }
