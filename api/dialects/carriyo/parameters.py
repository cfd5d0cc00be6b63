"""The parameters of Carriyo's order operations besides bodies, and their refusals."""

from typing import Annotated, Any

from fastapi import Path, Query

from api.dialects.carriyo import models
from api.dialects.carriyo.errors import CarriyoError
from api.http.problems import Fault, InvalidRequest
from api.services import Services
from application.access.callers import Caller
from domain.values import Identifier

Reference = Annotated[Identifier, Path(description="The order, as key says", examples=["A-1001"])]
ReferenceKind = Annotated[models.ReferenceKind, Query(description="What reference is")]


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the refusals of an operation, for the documentation."""
    told = {
        400: "Invalid request.",
        401: "The token is missing or expired, or this server did not issue it.",
        403: "The API key, the tenant or the scope is not the token's.",
        404: "Order not found.",
        409: "The position is beyond the newest event: the ledger was restored since.",
        422: "The Idempotency-Key was used with another request.",
    }
    return {status: {"model": CarriyoError, "description": told[status]} for status in statuses}


def unknown_log() -> InvalidRequest:
    """Return the error for an identifier that no log of the order has. It is a 400, while an unknown order is a 404."""
    return InvalidRequest(Fault(("path", "identifier"), "is not the identifier of a log of this order", "unknown_log"))


async def found(services: Services, caller: Caller, reference: str, kind: str) -> str:
    """Return the id of the order with this reference. Raises OrderNotFound."""
    if kind == "order_id":
        return (await services.queries.find_order(caller.tenant.name, reference)).order_id
    return await services.queries.order_id_of(caller.tenant.name, reference)
