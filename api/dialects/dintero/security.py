"""Dintero's credentials: a client's id and secret to get a token, and the token for everything else."""

from functools import partial
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer
from fastapi.security.http import HTTPBase

from api.http.credentials import Authentication
from api.http.requests import ServicesDep
from api.http.security import basic, bearer, known_bearer
from application.access.callers import Caller, Tenant

# For the documentation only. FastAPI's own HTTPBasic would refuse text that is not base64 before we can.
_CLIENT = HTTPBase(
    scheme="basic", auto_error=False, scheme_name="DinteroClient", description="The key id and its secret"
)
_TOKEN = HTTPBearer(
    auto_error=False, scheme_name="DinteroToken", description="The access_token of Get Token, or ot_<key_id>_<secret>"
)


def audience_of(account: str) -> str:
    """Return the audience of an account's tokens. It does not depend on the host name that the client uses."""
    return f"https://api.dintero.com/v1/accounts/{account}"


def _tenants_audience(tenant: Tenant) -> str | None:
    return audience_of(tenant.dintero_account) if tenant.dintero_account else None


@Authentication
async def _client(request: Request, services: ServicesDep, _documented: Annotated[object, Security(_CLIENT)]) -> Caller:
    return await basic(services, request)


@partial(Authentication, known=partial(known_bearer, audience=_tenants_audience))
async def _caller(request: Request, services: ServicesDep, _documented: Annotated[object, Security(_TOKEN)]) -> Caller:
    return await bearer(services, request, audience=_tenants_audience)


ClientDep = Annotated[Caller, Depends(_client)]
CallerDep = Annotated[Caller, Depends(_caller)]
