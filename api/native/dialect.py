"""Our own dialect."""

from api.http.dialect import Dialect
from api.http.lean import Lean
from api.native import history, integrations, ledger, orders, proofs, retention
from api.native.errors import render

_ROUTERS = tuple(part.router for part in (orders, history, integrations, ledger, proofs, retention))
_LEANS = (
    Lean("POST", "/trail/v1/orders/{order_id}/events", orders.append_events),
    Lean("GET", "/trail/v1/orders/{order_id}/timeline", orders.get_timeline),
)

DIALECT = Dialect(("/trail",), _ROUTERS, render, _LEANS)
