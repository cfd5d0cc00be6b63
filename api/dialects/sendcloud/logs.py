"""Sendcloud's exception logs: create one, and list them."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from fastapi import APIRouter, Request

from api.dialects.sendcloud.cursors import cursor_of
from api.dialects.sendcloud.errors import Errors
from api.dialects.sendcloud.mapping import event_of, log
from api.dialects.sendcloud.models import LogCreated, LogList, NewLog
from api.dialects.sendcloud.pages import link_header
from api.dialects.sendcloud.parameters import CreatedBefore, CursorText, IntegrationId, PageSize
from api.dialects.sendcloud.security import CallerDep
from api.http.dialect import of_every_route
from api.http.parts import answer, document
from api.http.reading.json_text import to_json
from api.http.requests import Json, KeyDep, ServicesDep, StrictRoute, read, written
from api.http.standby import may_read_standby
from api.services import Services
from application.access.callers import Caller, authorise
from application.bodies.failed_calls import whole
from application.ledger.outcome import first_told
from application.privacy.legible import legibly
from application.views.integration_queries import ExceptionFilter, IntegrationQueries, LoggedException
from domain.values import TenantName

PAGE = 25
_Begin = tuple[str | None, str | None]
"""The beginning of a page, as in the query: cursor and created_before."""

router = APIRouter(
    prefix="/api/v3/integrations", tags=["Sendcloud"], route_class=StrictRoute, responses=of_every_route(Errors)
)

_LISTED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "OK",
        "headers": {
            "Link": {
                "description": "The pages of older (next) and newer (prev) logs, where there are any (RFC 8288)",
                "schema": {"type": "string"},
            }
        },
    },
    400: {"model": Errors, "description": "Bad Request"},
    401: {"model": Errors, "description": "No valid credential"},
    403: {"model": Errors, "description": "The credential lacks the scope"},
    404: {"model": Errors, "description": "No such integration, or no such cursor"},
    409: {"model": Errors, "description": "The cursor is beyond the newest event: the ledger was restored since"},
}


@router.post(
    "/{id}/logs",
    status_code=201,
    response_model=LogCreated,
    response_description="Created",
    responses={
        400: {"model": Errors, "description": "Bad Request"},
        401: {"model": Errors, "description": "No valid credential"},
        403: {"model": Errors, "description": "The credential lacks the scope"},
        404: {"model": Errors, "description": "No such integration"},
        422: {"model": Errors, "description": "The Idempotency-Key was used with another request"},
    },
    summary="Create integration exception logs",
)
async def create_log(
    integration_id: IntegrationId, body: NewLog, caller: CallerDep, services: ServicesDep, key: KeyDep
) -> Json:
    """Record that a call to the shop's system failed."""
    authorise(caller, "write:integrations")
    tenant = caller.tenant
    event = event_of(integration_id, body, caller, services.secret_headers)
    result = await services.integrations.log(tenant, event, key=key)
    event = await first_told(services.store, tenant.name, event, result)
    event = (await whole(services.bodies, tenant.name, event)).event
    return answer([to_json({"data": log(result.position, event)})], status_code=201, headers=written(result))


@router.get("/logs", response_model=LogList, responses=_LISTED, summary="Retrieve all integration exception logs")
@may_read_standby()
async def list_all_logs(
    request: Request,
    caller: CallerDep,
    services: ServicesDep,
    cursor: CursorText = None,
    created_before: CreatedBefore = None,
    page_size: PageSize = PAGE,
) -> Json:
    """List the exception logs of all integrations, the newest first."""
    return await _page(request, caller, services, ExceptionFilter(), (cursor, created_before), page_size)


@router.get(
    "/{id}/logs",
    response_model=LogList,
    responses=_LISTED,
    summary="Retrieve exception logs for a specific integration",
)
@may_read_standby()
async def list_logs(
    request: Request,
    integration_id: IntegrationId,
    caller: CallerDep,
    services: ServicesDep,
    cursor: CursorText = None,
    created_before: CreatedBefore = None,
    page_size: PageSize = PAGE,
) -> Json:
    """List the exception logs of an integration, the newest first."""
    return await _page(request, caller, services, ExceptionFilter(integration_id), (cursor, created_before), page_size)


async def _page(
    request: Request, caller: Caller, services: Services, wanted: ExceptionFilter, begin: _Begin, size: int
) -> Json:
    authorise(caller, "read:integrations")
    cursor = cursor_of(*begin)
    headers = await read(services, caller, "integration_log", "integrations", cursor=cursor.position)
    queries, tenant = services.integration_queries, caller.tenant.name
    found = await queries.exceptions(
        tenant,
        wanted._replace(occurred_before=cursor.created_before),
        order="desc" if cursor.rel == "next" else "asc",
        cursor=cursor.position,
        limit=size,
    )
    entries = sorted(found, key=lambda entry: -entry.position)
    positions = [entry.position for entry in entries]
    links = link_header(request, cursor, positions, has_more=found.has_more, size=size)
    items = [item async for item in _items(queries, tenant, entries)]
    return answer(document("data", items), headers={**headers, **links})


async def _items(
    queries: IntegrationQueries, tenant: TenantName, entries: Sequence[LoggedException]
) -> AsyncIterator[bytes]:
    """Yield logs in JSON. Unreadable logs are left out, but their positions still count for the pages."""
    show = legibly(tenant, _item)
    for entry in entries:
        if item := show(await queries.whole(tenant, entry)):
            yield to_json(item)


def _item(entry: LoggedException) -> dict[str, Any] | None:
    return log(entry.position, entry.event) if entry.event else None
