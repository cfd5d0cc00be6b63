"""Carriyo's dialect: its tokens, the system logs of its orders, and what else it has of orders that we do."""

from fastapi import APIRouter

from api.dialect import Dialect, refusals
from api.dialects.carriyo import links, orders, system_logs, tokens
from api.dialects.carriyo.errors import Error, render

_router = APIRouter()
for _part in (system_logs, links, orders):
    _router.include_router(_part.router)

TOKENS = Dialect("Carriyo", ("/oauth/token",), tokens.router, tokens.render_token_error, refusals(tokens.TokenError))
"""The token endpoint, which words errors as OAuth does."""
DIALECT = Dialect("Carriyo", ("/orders", "/oauth"), _router, render, refusals(Error))
