"""SHOPLINE's token, and how often it may be used."""

from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer

from api.credentials import Credential
from api.rate_limit import SHOPLINE, take
from api.requests import ServicesDep
from api.security import bearer
from application.access import Caller

_TOKEN = HTTPBearer(auto_error=False, scheme_name="ShoplineToken", description="ot_<key_id>_<secret>")


@Credential
async def _caller(request: Request, services: ServicesDep, _documented: Annotated[object, Security(_TOKEN)]) -> Caller:
    caller = await bearer(services, request)
    take(request, caller, SHOPLINE)
    return caller


CallerDep = Annotated[Caller, Depends(_caller)]
