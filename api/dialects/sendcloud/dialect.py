"""Sendcloud's dialect: its operations on integrations and their exception logs."""

from fastapi import APIRouter

from api.dialect import Dialect, refusals
from api.dialects.sendcloud import integrations, logs
from api.dialects.sendcloud.errors import Errors, render

_router = APIRouter()
# The logs first: their list of all is at /logs, which must not be taken for the id of an integration.
_router.include_router(logs.router)
_router.include_router(integrations.router)

DIALECT = Dialect("Sendcloud", ("/api/v3",), _router, render, refusals(Errors))
