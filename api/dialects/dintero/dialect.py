"""Dintero's dialect: tokens, and the events of an order."""

from api.dialects.dintero import events, tokens
from api.dialects.dintero.errors import render
from api.http.dialect import Dialect

DIALECT = Dialect(("/v1/accounts",), (tokens.router, events.router), render)
