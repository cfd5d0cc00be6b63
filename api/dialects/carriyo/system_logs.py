"""Carriyo's order system logs: add one, list them, and get a link to a whole one."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from api.dialects.carriyo.errors import CarriyoError
from api.dialects.carriyo.links import link_to
from api.dialects.carriyo.mapping import call_of, event_of, position_of, system_log, unreadable_system_log
from api.dialects.carriyo.models import NewSystemLog, SystemLog, SystemLogQuery
from api.dialects.carriyo.parameters import Reference, ReferenceKind, found, refusals, unknown_log
from api.dialects.carriyo.routes import JsonByDefaultRoute
from api.dialects.carriyo.security import CallerDep, TenantDep
from api.http.dialect import of_every_route
from api.http.parts import answer, array, in_pieces, rendered
from api.http.reading.json_text import to_json
from api.http.requests import Json, KeyDep, ServicesDep, read, written
from api.http.standby import may_read_standby
from api.services import Services
from application.access.callers import authorise
from application.ledger.codec import decode_as
from application.ledger.outcome import first_told
from application.ledger.port import Page, RecordedEvent
from application.privacy.legible import legibly
from application.views.queries import Views
from domain.events.records import SystemLogRecorded
from domain.streams import order_stream
from domain.values import Name, TenantName

router = APIRouter(tags=["Carriyo"], route_class=JsonByDefaultRoute, responses=of_every_route(CarriyoError))


@router.post(
    "/orders/{reference}/system-logs",
    response_model=SystemLog,
    response_description="System log created.",
    responses=refusals(400, 401, 403, 404, 422),
    summary="Add Order System Log",
)
async def add_system_log(
    reference: Reference,
    body: NewSystemLog,
    caller: CallerDep,
    tenant_id: TenantDep,
    services: ServicesDep,
    idempotency_key: KeyDep,
    key: ReferenceKind = "order_id",
) -> Json:
    """Record an HTTP call about an order. The answer is the log without the call's bodies."""
    for name in (tenant_id, body.tenant):
        authorise(caller, "write:orders", tenant=name)
    tenant = caller.tenant
    by_id = key == "order_id"
    find = services.orders.id_of if by_id else services.queries.order_id_of
    order_id = await find(tenant.name, reference)
    call = call_of(body, services.secret_headers)
    content = await services.bodies.put(tenant.name, order_stream(order_id), to_json(call, exclude_none=True))
    event = event_of(order_id, body, content, caller, services.secret_headers)
    result = await services.orders.record(tenant, order_id, [event], key=idempotency_key)
    event = await first_told(services.store, tenant.name, event, result)
    return Json(_body(services, tenant.name, result.position, event), headers=written(result))


@router.get(
    "/orders/{reference}/system-logs",
    response_model=list[SystemLog],
    responses=refusals(400, 401, 403, 404, 409),
    summary="List Order System Logs",
)
@may_read_standby()
async def list_system_logs(
    reference: Reference,
    query: Annotated[SystemLogQuery, Query()],
    caller: CallerDep,
    tenant_id: TenantDep,
    services: ServicesDep,
) -> Response:
    """List the calls about an order, the oldest first. The last page has fewer than rowsPerPage, or none."""
    authorise(caller, "read:orders", tenant=tenant_id)
    headers = await read(services, caller, "system_log", "order_state")
    tenant = caller.tenant.name
    order_id = await found(services, caller, reference, query.key)
    first = (query.page_num - 1) * query.rows_per_page

    async def part(views: Views, offset: int) -> Page[RecordedEvent]:
        limit = query.rows_per_page - offset
        return await views.system_log(tenant, order_id, query.wanted(), offset=first + offset, limit=limit)

    show = legibly(
        tenant,
        lambda event: _body(services, tenant, event.position, decode_as(SystemLogRecorded, event)),
        instead=partial(unreadable_system_log, tenant),
    )
    begin = await part(services.queries.views, 0)
    if not begin.has_more:
        return answer(array(await rendered(begin, show)), headers=headers)

    # A full page may be too large to be held at once, and clients take a short page for the last. So it is sent in
    # parts.
    async def pages() -> AsyncIterator[Page[RecordedEvent]]:
        page, offset = begin, 0
        yield page
        while page.has_more:
            offset += page.size
            page = await part(services.lasting.queries.views, offset)
            yield page

    async def parts() -> AsyncIterator[bytes]:
        before = b"["
        async for page in pages():
            for item in await rendered(page, show):
                yield before
                yield item
                before = b","
        yield b"]"

    return StreamingResponse(in_pieces(parts()), media_type="application/json", headers=headers)


@router.get(
    "/orders/{reference}/system-logs/{identifier}",
    response_model=str,
    response_description="A link to the whole call, which is valid for a quarter of an hour.",
    responses=refusals(400, 401, 403, 404, 409),
    summary="Get Order System Log Detail URL",
)
@may_read_standby()
async def get_system_log_link(
    request: Request,
    reference: Reference,
    identifier: Annotated[Name, Path(description="The log's identifier", examples=["0000000000000000042"])],
    caller: CallerDep,
    tenant_id: TenantDep,
    services: ServicesDep,
    key: ReferenceKind = "order_id",
) -> Json:
    """Get a link to everything about a call, in the words in which it was logged: headers, bodies, statistics.

    The link needs no other credentials.
    """
    authorise(caller, "read:orders", tenant=tenant_id)
    headers = await read(services, caller, "order_state")
    order_id = await found(services, caller, reference, key)
    position = position_of(identifier)
    if position is None or await services.calls.find(caller.tenant.name, order_id, position) is None:
        raise unknown_log()
    return Json(link_to(request, services, caller, order_id, identifier), headers=headers)


def _body(services: Services, tenant: TenantName, position: int, event: SystemLogRecorded) -> dict[str, object]:
    place = services.bodies.place(tenant, event.content.digest) if event.content else None
    return system_log(tenant, position, event, place)
