"""The pages, as the application takes them: like a dialect, with routes and a form of its own for errors."""

from api.http.dialect import Dialect
from api.native.errors import render as render_problem
from api.web import assets, live, sign_in
from api.web.errors import render
from api.web.pages import (
    calls,
    followers,
    integrations,
    ledger,
    missing,
    order,
    orders,
    proofs,
    style,
    travel,
    verifying,
)

_PAGES = (orders, calls, order, travel, integrations, ledger, followers, verifying, style, missing)

DIALECT = Dialect(("/ui",), tuple(part.router for part in (assets, sign_in, live, *_PAGES)), render)
PROOFS = Dialect(("/ui/proofs",), (proofs.router,), render_problem)
"""What scripts of ours read: its errors are documents, as in the native interface."""
