"""Proofs for the browser of whoever is signed in: it checks them by itself."""

from base64 import b64encode

from fastapi import APIRouter, Request

from api.http.parts import answer
from api.http.problems import Fault, InvalidRequest
from api.http.reading.json_text import to_json
from api.http.requests import Json, ServicesDep
from api.web.pages.asking import AskedDep, Place, number
from api.web.route import PageRoute
from api.web.security import VisitorDep
from application.access.callers import authorise

router = APIRouter(prefix="/ui/proofs", route_class=PageRoute, include_in_schema=False)

PRIVATE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


@router.get("/consistency")
async def get_consistency(visitor: VisitorDep, services: ServicesDep, asked: AskedDep) -> Json:
    """Return the proof that the ledger at one size continues the ledger at another."""
    authorise(visitor, "read:ledger")
    old, new = number(asked, "from"), number(asked, "to")
    if not old or not new or new < old:
        raise InvalidRequest(Fault(("query", "from"), "and to are two sizes of the ledger, in this order", "order"))
    found = await services.proofs.consistency(visitor.tenant.name, old, new)
    return Json(
        {"from": old, "to": new, "proof": [b64encode(hash_).decode() for hash_ in found.proof]}, headers=PRIVATE
    )


@router.get("/{position}")
async def get_receipt(request: Request, position: Place, visitor: VisitorDep, services: ServicesDep) -> Json:
    """Return an event as it is stored, with its proof: to check it here, or to keep it."""
    authorise(visitor, "read:ledger")
    proof = await services.proofs.of_event(visitor.tenant.name, position=position)
    kept = {"Content-Disposition": f'attachment; filename="receipt-{position}.json"'}
    headers = {**PRIVATE, **(kept if "download" in request.query_params else {})}
    return answer([to_json(proof)], headers=headers)
