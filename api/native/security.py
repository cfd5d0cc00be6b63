"""Native credentials: a bearer token."""

from typing import Annotated

from fastapi import Depends, Request, Security

from api.credentials import Credential
from api.requests import ServicesDep
from api.security import BEARER, bearer
from application.access import Caller


@Credential
async def _caller(request: Request, services: ServicesDep, _documented: Annotated[object, Security(BEARER)]) -> Caller:
    return await bearer(services, request)


CallerDep = Annotated[Caller, Depends(_caller)]
