"""Carriyo's token endpoint."""

from http import HTTPStatus
from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from api.dialects.carriyo.routes import JsonByDefaultTokenRoute
from api.dialects.carriyo.security import AUDIENCE
from api.http.dialect import of_every_route
from api.http.problems import Kind, Problem
from api.http.requests import Json, ServicesDep
from domain.values import Name

TOKEN_SECONDS = 86_400


class CarriyoTokenRequest(BaseModel):
    """A key id and its secret. Further members of an OAuth request are ignored."""

    model_config = ConfigDict(strict=True)
    client_id: Name = Field(description="The key id", examples=["5f0c1d2e3b4a59687786a5b4"])
    client_secret: Name = Field(description="The secret", examples=["the secret"])


class CarriyoToken(BaseModel):
    """A token for the header Authorization; it is valid for expires_in seconds."""

    access_token: str
    scope: str = Field(examples=["tenant:acme read:orders write:orders"])
    expires_in: int = Field(examples=[TOKEN_SECONDS])
    token_type: Literal["Bearer"]


class TokenError(BaseModel):
    """Why no token was issued."""

    error: str = Field(examples=["access_denied"])
    error_description: str


router = APIRouter(tags=["Carriyo"], route_class=JsonByDefaultTokenRoute, responses=of_every_route(TokenError))


@router.post(
    "/oauth/token",
    response_model=CarriyoToken,
    responses={
        400: {"model": TokenError, "description": "bad_request"},
        403: {"model": TokenError, "description": "access_denied"},
        "4XX": {"model": TokenError, "description": "Other errors"},
    },
    summary="Get a token",
)
async def issue_token(body: CarriyoTokenRequest, services: ServicesDep) -> Json:
    """Exchange a key id and its secret for a token with the scopes of the credential."""
    caller = await services.access.by_secret(body.client_id, body.client_secret)
    seconds = caller.seconds_of(TOKEN_SECONDS)
    token = {
        "access_token": services.access.issue(caller, seconds=seconds, audience=AUDIENCE),
        "scope": " ".join((f"tenant:{caller.tenant.name}", *caller.scopes)),
        "expires_in": seconds,
        "token_type": "Bearer",
    }
    return Json(token, headers={"Cache-Control": "no-store"})


def render_token_error(problem: Problem) -> Response:
    """Render a problem as Carriyo's token endpoint does: every error about the credential is a 403."""
    match problem.kind:
        case Kind.INVALID | Kind.MALFORMED | Kind.UNSUPPORTED:
            status, error = HTTPStatus.BAD_REQUEST, "bad_request"
        case Kind.UNAUTHENTICATED | Kind.FORBIDDEN:
            status, error = HTTPStatus.FORBIDDEN, "access_denied"
        case _:
            status = HTTPStatus(problem.status)
            error = {Kind.UNAVAILABLE: "temporarily_unavailable", Kind.INTERNAL: "server_error"}.get(
                problem.kind, "bad_request"
            )
    body = {"error": error, "error_description": problem.detail}
    return Json(body, status_code=status, headers=dict(problem.headers))
