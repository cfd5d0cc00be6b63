"""Dintero's dialect: tokens, and the events of an order."""

from fastapi import APIRouter

from api.dialect import Dialect, refusals
from api.dialects.dintero import events, tokens
from api.dialects.dintero.errors import render
from api.dialects.dintero.models import Error
from api.lean import Lean

_router = APIRouter(
    prefix="/v1/accounts",
    responses={
        400: {"model": Error, "description": "Bad / invalid request"},
        401: {"model": Error, "description": "No valid credential"},
        403: {"model": Error, "description": "Another account, or the scope is lacking"},
        "4XX": {"model": Error, "description": "Other errors"},
    },
)
for _part in (tokens, events):
    _router.include_router(_part.router)

_LEANS = (Lean("POST", "/v1/accounts/{aid}/shopping/orders/{order_id}/events", events.create_order_event),)

DIALECT = Dialect("Dintero", ("/v1/accounts",), _router, render, refusals(Error), _LEANS)
