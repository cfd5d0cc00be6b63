"""Dintero's tokens."""

from dataclasses import replace

from fastapi import APIRouter

from api.dialects.dintero.errors import RESPONSES
from api.dialects.dintero.models import TOKEN_SECONDS, DinteroToken, DinteroTokenRequest, OwnerId
from api.dialects.dintero.security import ClientDep, audience_of
from api.http.problems import Fault, InvalidRequest
from api.http.requests import Json, ServicesDep, TokenRoute
from application.access.callers import Caller, authorise
from application.access.scopes import grants

router = APIRouter(prefix="/v1/accounts", tags=["Dintero"], route_class=TokenRoute, responses=RESPONSES)


@router.post("/{oid}/auth/token", response_model=DinteroToken, summary="Get DinteroToken")
async def get_token(oid: OwnerId, body: DinteroTokenRequest, client: ClientDep, services: ServicesDep) -> Json:
    """Exchange a key id and its secret for a token with the credential's scopes, or with fewer."""
    account = body.audience.rstrip("/")[-9:]
    authorise(client, None, account=account)
    # A partner's id names no account, so it cannot widen anything.
    if len(oid) == len(account):
        authorise(client, None, account=oid)
    bearer = _narrowed(client, body.scope)
    seconds = client.seconds_of(TOKEN_SECONDS)
    token = services.access.issue(bearer, seconds=seconds, audience=audience_of(account))
    answer = {"access_token": token, "token_type": "Bearer", "expires_in": seconds}
    return Json(answer, headers={"Cache-Control": "no-store"})


def _narrowed(client: Caller, scope: str | None) -> Caller:
    """Return the client with the scopes that it asks for. Raises InvalidRequest if it asks for more than it has."""
    if scope is None:
        return client
    wanted = tuple(dict.fromkeys(scope.split(" ")))
    if lacking := [one for one in wanted if not grants(client.scopes, one)]:
        raise InvalidRequest(
            Fault(("body", "scope"), f"is more than the credential has: {' '.join(lacking)}", "invalid_scope")
        )
    return replace(client, scopes=wanted)
