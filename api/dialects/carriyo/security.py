"""Carriyo's three headers: a token, the API key that it was issued for, and the tenant."""

from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, HTTPBearer

from api.http.credentials import Authentication
from api.http.rate_limit import CARRIYO, take
from api.http.requests import ServicesDep
from api.http.security import bearer
from application.access.callers import Caller
from domain.errors import Forbidden

_TOKEN = HTTPBearer(auto_error=False, scheme_name="CarriyoToken", description="access_token of POST /oauth/token")
_API_KEY = APIKeyHeader(name="x-api-key", auto_error=False, scheme_name="CarriyoApiKey", description="The key id")
_TENANT = APIKeyHeader(name="tenant-id", auto_error=False, scheme_name="CarriyoTenant", description="The tenant")

AUDIENCE = "urn:ordertrail:carriyo"
"""The audience of Carriyo's tokens. No other dialect accepts them."""

TenantDep = Annotated[str | None, Security(_TENANT)]


@Authentication
async def _caller(
    request: Request,
    services: ServicesDep,
    _token: Annotated[object, Security(_TOKEN)],
    _api_key: Annotated[object, Security(_API_KEY)],
    _tenant: Annotated[object, Security(_TENANT)],
) -> Caller:
    """Return the token's caller, if the other two headers match it."""
    caller = await bearer(services, request, audience=AUDIENCE)
    if request.headers.get("x-api-key") != caller.key_id:
        raise Forbidden("Send the key id that the token was issued for in the header x-api-key")
    if not request.headers.get("tenant-id"):
        raise Forbidden("Send the tenant's name in the header tenant-id")
    take(request, caller, CARRIYO)
    return caller


CallerDep = Annotated[Caller, Depends(_caller)]
