"""Dintero's dialect: tokens, and the events of an order."""

from api.dialects.dintero import events, tokens
from api.dialects.dintero.errors import render
from api.http.dialect import Dialect
from api.http.lean import Lean

_LEANS = (Lean("POST", "/v1/accounts/{aid}/shopping/orders/{order_id}/events", events.create_order_event),)

DIALECT = Dialect(("/v1/accounts",), (tokens.router, events.router), render, _LEANS)
