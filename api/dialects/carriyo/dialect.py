"""Carriyo's dialect: its tokens, its system logs of orders, and its other operations on orders that we have."""

from api.dialects.carriyo import links, orders, system_logs, tokens
from api.dialects.carriyo.errors import render
from api.http.dialect import Dialect

TOKENS = Dialect(("/oauth/token",), (tokens.router,), tokens.render_token_error)
"""The token endpoint, whose errors have the form of OAuth."""
DIALECT = Dialect(("/orders", "/oauth"), (system_logs.router, links.router, orders.router), render)
