"""Carriyo's dialect: its tokens, the system logs of its orders, and what else it has of orders that we do."""

from api.dialects.carriyo import links, orders, system_logs, tokens
from api.dialects.carriyo.errors import render
from api.http.dialect import Dialect

TOKENS = Dialect(("/oauth/token",), (tokens.router,), tokens.render_token_error)
"""The token endpoint, which words errors as OAuth does."""
DIALECT = Dialect(("/orders", "/oauth"), (system_logs.router, links.router, orders.router), render)
