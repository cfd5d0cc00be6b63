"""Native credentials: a bearer token."""

from functools import partial
from typing import Annotated

from fastapi import Depends, Request, Security

from api.http.credentials import Authentication
from api.http.requests import ServicesDep
from api.http.security import BEARER, bearer, known_bearer
from application.access.callers import Caller


@partial(Authentication, known=known_bearer)
async def _caller(request: Request, services: ServicesDep, _documented: Annotated[object, Security(BEARER)]) -> Caller:
    return await bearer(services, request)


CallerDep = Annotated[Caller, Depends(_caller)]
