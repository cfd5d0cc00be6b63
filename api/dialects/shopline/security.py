"""SHOPLINE's token, and the limit on its requests."""

from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer

from api.http.credentials import Authentication
from api.http.rate_limit import SHOPLINE, take
from api.http.requests import ServicesDep
from api.http.security import bearer
from application.access.callers import Caller

_TOKEN = HTTPBearer(auto_error=False, scheme_name="ShoplineToken", description="ot_<key_id>_<secret>")


@Authentication
async def _caller(request: Request, services: ServicesDep, _documented: Annotated[object, Security(_TOKEN)]) -> Caller:
    caller = await bearer(services, request)
    take(request, caller, SHOPLINE)
    return caller


CallerDep = Annotated[Caller, Depends(_caller)]
