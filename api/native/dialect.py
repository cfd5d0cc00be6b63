"""Our own dialect."""

from api.http.dialect import Dialect
from api.native import history, integrations, ledger, orders, proofs, retention
from api.native.errors import render

_ROUTERS = tuple(part.router for part in (orders, history, integrations, ledger, proofs, retention))

DIALECT = Dialect(("/trail",), _ROUTERS, render)
