"""Verifies a tenant's ledger while somebody looks, and tells how far it has got."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from api.http.reading.json_text import to_json
from api.http.requests import ServicesDep
from api.services import Services
from api.web.pages.ledger import PATH
from api.web.rendering import page
from api.web.route import PageRoute
from api.web.security import VisitorDep
from application.access.callers import authorise
from application.transparency.audit.verification import Verified
from domain.errors import OrdertrailError
from domain.values import TenantName

TELL_SECONDS = 0.25
"""How often the progress is told."""

router = APIRouter(prefix="/ui", route_class=PageRoute, include_in_schema=False)

_ongoing: set[TenantName] = set()
"""The ledgers that this worker verifies: each once at a time, since it is work for the database."""


class Verifying:
    """A verification, with how far it has got."""

    def __init__(self, services: Services, tenant: TenantName) -> None:
        self._services = services
        self._tenant = tenant
        self.done, self.total = 0, 0

    async def run(self) -> dict[str, Any]:
        """Return what was found, in words and as numbers."""
        if self._tenant in _ongoing:
            return _untold("This ledger is being verified already. Wait until that is done.")
        _ongoing.add(self._tenant)
        try:
            return _told(await self._services.verification.verify(self._tenant, self._note))
        except OrdertrailError as error:
            return _untold(f"It cannot be verified now: {error}.")
        finally:
            _ongoing.discard(self._tenant)

    def _note(self, done: int, total: int) -> None:
        self.done, self.total = done, total


def _told(found: Verified) -> dict[str, Any]:
    numbers = {"events": found.events, "sealed": found.sealed, "checkpoints": found.checkpoints, "note": None}
    if found.damage is None:
        return {**numbers, "good": True, "damage": None}
    where = "" if found.damage.position is None else f" at position {found.damage.position}"
    return {**numbers, "good": False, "damage": f"Damaged{where}: {found.damage.what}"}


def _untold(note: str) -> dict[str, Any]:
    """Return what is told if nothing was found out."""
    return {"note": note, "good": False, "damage": None}


@router.post("/ledger/verify")
async def post_verify(request: Request, visitor: VisitorDep, services: ServicesDep) -> Response:
    """Verify the ledger from end to end. With ?part, tell the progress, a line of JSON each."""
    authorise(visitor, "read:ledger")
    verifying = Verifying(services, visitor.tenant.name)
    if "part" in request.query_params:
        headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        return StreamingResponse(_progress(verifying), media_type="application/x-ndjson", headers=headers)
    return page(request, "verified.html", visitor=visitor, found=await verifying.run(), back=PATH)


async def _progress(verifying: Verifying) -> AsyncIterator[bytes]:
    work = asyncio.create_task(verifying.run())
    try:
        while not work.done():
            yield to_json({"done": verifying.done, "total": verifying.total}) + b"\n"
            await asyncio.wait({work}, timeout=TELL_SECONDS)
        yield to_json(work.result()) + b"\n"
    finally:
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work
