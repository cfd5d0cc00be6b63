"""Links to a whole system log. Everybody with the link may read it, for a quarter of an hour."""

from dataclasses import replace
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request

from api.dialects.carriyo.mapping import position_of, whole_log
from api.dialects.carriyo.parameters import Reference, unknown_log
from api.http.parts import answer
from api.http.public_url import public_url
from api.http.rate_limit import CARRIYO, take
from api.http.reading.json_text import to_json
from api.http.requests import Json, ServicesDep, StrictRoute, read
from api.services import Services
from application.access.callers import Caller, authorise
from domain.values import Name

LINK_SECONDS = 900
AUDIENCE = "urn:ordertrail:carriyo:system-log"

router = APIRouter(route_class=StrictRoute)


def link_to(request: Request, services: Services, caller: Caller, order_id: str, identifier: str) -> str:
    """Return the link to a log that the caller may read. It ends with the caller's credential, if that ends first."""
    reader = replace(caller, scopes=(_scope(order_id, identifier),))
    token = services.access.issue(reader, seconds=LINK_SECONDS, audience=AUDIENCE)
    path = f"orders/{quote(order_id, safe='')}/system-logs/{identifier}/content"
    return f"{public_url(request)}/{path}?token={token}"


# It is not in the interface's documentation, because clients only get it as a link.
@router.get("/orders/{reference}/system-logs/{identifier}/content", include_in_schema=False)
async def get_system_log(
    request: Request,
    reference: Reference,
    identifier: Name,
    services: ServicesDep,
    token: Annotated[str, Query(max_length=4_096)] = "",
) -> Json:
    """Return everything about a call, to everybody who has the link."""
    caller = await services.access.by_link(token, audience=AUDIENCE)
    authorise(caller, _scope(reference, identifier))
    take(request, caller, CARRIYO)
    headers = await read(services, caller, "order_state")
    position = position_of(identifier) or 0
    log = await services.calls.read(caller.tenant.name, reference, position)
    if log is None:
        raise unknown_log()
    body = whole_log(caller.tenant.name, position, log.event, log.call)
    return answer([to_json(body)], headers={**headers, "Cache-Control": "no-store"})


def _scope(order_id: str, identifier: str) -> str:
    return f"read:orders:/{order_id}/system-logs/{identifier}"
