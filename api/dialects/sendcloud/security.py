"""Sendcloud's credentials: a key pair, or a token."""

from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security.http import HTTPBase

from api.http.credentials import Authentication
from api.http.rate_limit import SENDCLOUD_READS, SENDCLOUD_WRITES, take
from api.http.requests import ServicesDep
from api.http.security import BEARER, basic, bearer
from application.access.callers import Caller

# For the documentation only. FastAPI's own HTTPBasic would refuse text that is not base64 before we can.
BASIC = HTTPBase(scheme="basic", scheme_name="SendcloudKeys", description="The key id and the secret", auto_error=False)


@Authentication
async def _caller(
    request: Request,
    services: ServicesDep,
    _basic: Annotated[object, Security(BASIC)],
    _bearer: Annotated[object, Security(BEARER)],
) -> Caller:
    """Return the caller with this key or token. Basic is the vendor's main way, and OAuth2 tokens are its other way."""
    scheme = request.headers.get("authorization", "").partition(" ")[0].lower()
    caller = await (bearer if scheme == "bearer" else basic)(services, request)
    take(request, caller, SENDCLOUD_READS if request.method == "GET" else SENDCLOUD_WRITES)
    return caller


CallerDep = Annotated[Caller, Depends(_caller)]
