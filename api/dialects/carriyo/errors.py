"""Carriyo's errors of order operations."""

from datetime import UTC, datetime

from fastapi import Response
from pydantic import BaseModel, Field

from api.problems import Kind, Problem, dotted
from api.requests import Json


class Error(BaseModel):
    """What went wrong."""

    status: str = Field(examples=["404"])
    timestamp: str = Field(examples=["2026-03-01T12:00:00.000+00:00"])
    errors: list[str]


def render(problem: Problem) -> Response:
    """Render a problem as Carriyo's order operations do."""
    status = 400 if problem.kind is Kind.INVALID else problem.status
    told = [f"{dotted(fault.where[1:] or fault.where)} : {fault.what}" for fault in problem.faults]
    body = {
        "status": str(status),
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "errors": told or [problem.detail],
    }
    response = Json(body, status_code=status)
    if problem.kind is Kind.UNAUTHENTICATED:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response
