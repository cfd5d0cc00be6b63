"""Our own dialect."""

from fastapi import APIRouter

from api.dialect import Dialect
from api.native import history, integrations, ledger, orders
from api.native.errors import render

_router = APIRouter()
for _part in (orders, history, integrations, ledger):
    _router.include_router(_part.router)

DIALECT = Dialect("Native", ("/trail",), _router, render)
