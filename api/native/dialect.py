"""Our own dialect."""

from fastapi import APIRouter

from api.dialect import Dialect
from api.lean import Lean
from api.native import history, integrations, ledger, orders, proofs, retention
from api.native.errors import render

_router = APIRouter()
for _part in (orders, history, integrations, ledger, proofs, retention):
    _router.include_router(_part.router)

_LEANS = (
    Lean("POST", "/trail/v1/orders/{order_id}/events", orders.append_events),
    Lean("GET", "/trail/v1/orders/{order_id}/timeline", orders.get_timeline),
)

DIALECT = Dialect("Native", ("/trail",), _router, render, leans=_LEANS)
