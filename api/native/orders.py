"""Native orders: create, append, decide, read."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.http.conditions import IfMatchDep
from api.http.hot import hot
from api.http.pages import Rendered, RenderedEntries, newest_entries, page_of_order, rendered_entries
from api.http.parts import answer, document, rendered
from api.http.reading.json_text import to_json
from api.http.requests import Json, KeyDep, NativeRoute, ServicesDep, read, written
from api.http.standby import may_read_standby
from api.native.conditions import on_condition
from api.native.errors import RESPONSES
from api.native.events import authorise_append, events_of
from api.native.following.streams import STREAMED, LastEventId, is_followed
from api.native.following.timeline import followed_timeline
from api.native.history import OneOrder, PastQuery, get_past
from api.native.integrations import IntegrationId
from api.native.models import (
    AppendBody,
    NewEdit,
    NewOrder,
    NewSplit,
    NewTransfer,
    OrderId,
    OrderList,
    OrderQuery,
    Timeline,
    TimelineQuery,
)
from api.native.pages import position_of
from api.native.proofs import RecordedWithReceipt
from api.native.receipts import Prefer, receipt
from api.native.render import order_item, recorded_body, timeline_item
from api.native.security import CallerDep
from api.services import Services
from application.access.callers import Caller, authorise
from application.bodies.masking import masked_event
from application.ledger.outcome import Recorded
from application.views.known import KnownEntries
from application.views.order_rows import shown_order
from domain.events.integration import IntegrationTied

router = APIRouter(prefix="/trail/v1/orders", tags=["Native"], route_class=NativeRoute, responses=RESPONSES)


@router.post("", status_code=201, response_model=RecordedWithReceipt, summary="Create an order")
async def create_order(
    body: NewOrder, caller: CallerDep, services: ServicesDep, key: KeyDep, prefer: Prefer = None
) -> Json:
    """Create an order with its first event. If the order exists, the answer is a 409."""
    authorise(caller, "write:orders")
    created = await services.orders.create(
        caller.tenant,
        body.order_id,
        key=key,
        reference=body.reference,
        created_by=body.created_by,
        totals=body.totals,
        customer=body.customer,
        **body.envelope(caller.actor),
    )
    return await _recorded(services, caller, created.order_id, created.recorded, prefer)


@router.post("/{order_id}/events", status_code=201, response_model=RecordedWithReceipt, summary="Append events")
@hot
async def append_events(
    order_id: OrderId,
    body: AppendBody,
    caller: CallerDep,
    services: ServicesDep,
    key: KeyDep,
    if_match: IfMatchDep,
    prefer: Prefer = None,
) -> Json:
    """Append one event, or all of `{"events": […]}`, or none of them. The events are durable when the answer comes."""
    authorise_append(caller, order_id, body)
    events = [masked_event(event, services.secret_headers) for event in events_of(order_id, body, caller.actor)]
    if IntegrationTied in map(type, events):
        authorise(caller, "read:integrations")  # for its exceptions are shown with the order from then on
    result = await on_condition(
        if_match, lambda expected: services.orders.record(caller.tenant, order_id, events, expected=expected, key=key)
    )
    return await _recorded(services, caller, result.order_id, result, prefer)


@router.post("/{order_id}/edit", status_code=201, response_model=RecordedWithReceipt, summary="Edit an order's totals")
async def edit_order(
    order_id: OrderId,
    body: NewEdit,
    caller: CallerDep,
    services: ServicesDep,
    key: KeyDep,
    if_match: IfMatchDep,
    prefer: Prefer = None,
) -> Json:
    """Change an order's amounts, in its currency."""
    authorise(caller, "write:orders")
    edit = partial(services.orders.edit, caller.tenant, order_id, body.totals, key=key, **body.envelope(caller.actor))
    result = await on_condition(if_match, lambda expected: edit(expected=expected))
    return await _recorded(services, caller, result.order_id, result, prefer)


@router.post("/{order_id}/transfer", status_code=201, response_model=RecordedWithReceipt, summary="Transfer an order")
async def transfer_order(
    order_id: OrderId,
    body: NewTransfer,
    caller: CallerDep,
    services: ServicesDep,
    key: KeyDep,
    if_match: IfMatchDep,
    prefer: Prefer = None,
) -> Json:
    """Transfer an order to another customer."""
    authorise(caller, "write:orders")
    transfer = partial(
        services.orders.transfer, caller.tenant, order_id, body.customer, key=key, **body.envelope(caller.actor)
    )
    result = await on_condition(if_match, lambda expected: transfer(expected=expected))
    return await _recorded(services, caller, result.order_id, result, prefer)


@router.post("/{order_id}/split", status_code=201, response_model=RecordedWithReceipt, summary="Split an order")
async def split_order(
    order_id: OrderId,
    body: NewSplit,
    caller: CallerDep,
    services: ServicesDep,
    key: KeyDep,
    if_match: IfMatchDep,
    prefer: Prefer = None,
) -> Json:
    """Split a part of an order off into a new order, and return the new id. Both orders change, or neither does."""
    authorise(caller, "write:orders")
    envelope = body.envelope(caller.actor)
    split = partial(services.orders.split, caller.tenant, order_id, body.order_id, body.totals, key=key, **envelope)
    done = await on_condition(if_match, lambda expected: split(expected=expected))
    return await _recorded(services, caller, done.order_id, done.recorded, prefer)


@router.put(
    "/{order_id}/integrations/{integration_id}",
    response_model=RecordedWithReceipt,
    summary="Tie an integration to an order",
)
async def tie_integration(
    order_id: OrderId,
    integration_id: IntegrationId,
    caller: CallerDep,
    services: ServicesDep,
    key: KeyDep,
    if_match: IfMatchDep,
    prefer: Prefer = None,
) -> Json:
    """Show the integration's exceptions in the order's timeline, from now on."""
    authorise(caller, "write:orders")
    authorise(caller, "read:integrations")
    tie = partial(services.orders.tie, caller.tenant, order_id, integration_id, key=key, actor=caller.actor)
    result = await on_condition(if_match, lambda expected: tie(expected=expected))
    return await _recorded(services, caller, result.order_id, result, prefer, status=200)


@router.delete(
    "/{order_id}/integrations/{integration_id}", response_model=RecordedWithReceipt, summary="Untie an integration"
)
async def untie_integration(
    order_id: OrderId,
    integration_id: IntegrationId,
    caller: CallerDep,
    services: ServicesDep,
    key: KeyDep,
    if_match: IfMatchDep,
    prefer: Prefer = None,
) -> Json:
    """Stop showing the integration's exceptions in the order's timeline. Those that are there stay."""
    authorise(caller, "write:orders")
    untie = partial(services.orders.untie, caller.tenant, order_id, integration_id, key=key, actor=caller.actor)
    result = await on_condition(if_match, lambda expected: untie(expected=expected))
    return await _recorded(services, caller, result.order_id, result, prefer, status=200)


@router.get("", response_model=OrderList, summary="List orders")
@may_read_standby()
async def list_orders(query: Annotated[OrderQuery, Query()], caller: CallerDep, services: ServicesDep) -> Json:
    """List orders, the newest first."""
    authorise(caller, "read:orders")
    before = position_of(query.cursor)
    headers = await read(services, caller, "order_state", cursor=before)
    rows = await services.queries.views.orders(caller.tenant.name, query.wanted(), before=before, limit=query.limit)
    following = str(rows[-1].first_position) if rows.has_more else None
    items = await rendered(rows, lambda row: order_item(row, shown_order(row)))
    return answer(document("items", items, next=following), headers=headers)


@router.get("/{order_id}", response_model=OneOrder, summary="Get an order, or what it was")
@may_read_standby()
async def get_order(
    order_id: OrderId, query: Annotated[PastQuery, Query()], caller: CallerDep, services: ServicesDep
) -> Json:
    """Return an order's present state, with each service's newest state. Its ETag is for If-Match.

    With `version` or `at`, return its past state: after that version, or as it was known at an instant.
    """
    authorise(caller, "read:orders")
    if query.is_past():
        return await get_past(services, caller.tenant.name, order_id, query)
    headers = await read(services, caller, "order_state")
    row = await services.queries.find_order(caller.tenant.name, order_id)
    shown = shown_order(row)
    etag = {"ETag": f'"{shown.state.version}"'} if shown.state.version else {}
    return Json(order_item(row, shown), headers={**headers, **etag})


@router.get(
    "/{order_id}/timeline",
    response_model=Timeline,
    responses={200: {"content": STREAMED}},
    summary="Get or follow an order's timeline",
)
@hot
@may_read_standby(unless=is_followed)
async def get_timeline(
    request: Request,
    order_id: OrderId,
    query: Annotated[TimelineQuery, Query()],
    caller: CallerDep,
    services: ServicesDep,
    last_event_id: LastEventId = None,
) -> Response:
    """Return everything that happened to an order, in the order of recording, or newest first.

    With `Accept: text/event-stream` or `application/x-ndjson`, the answer is a stream that goes on with what comes.
    """
    authorise(caller, "read:orders")
    if (followed := await followed_timeline(request, services, caller, order_id, query, last_event_id)) is not None:
        return followed
    tenant, cursor = caller.tenant.name, position_of(query.cursor)
    read_timeline = services.queries.views.timeline

    async def render(kept: RenderedEntries) -> Rendered:
        known = KnownEntries(kept)
        entries = await services.queries.of_order(
            tenant,
            order_id,
            lambda id_: read_timeline(tenant, id_, query.wanted(), cursor=cursor, limit=query.limit, known=known),
        )
        if not entries:
            await services.queries.find_order(tenant, order_id)
        following = str(entries[-1].position) if entries.has_more else None
        items = await rendered_entries(entries, timeline_item, known)
        return Rendered(document("items", list(items.values()), next=following), newest_entries(items, known))

    views = ("timeline", "order_state")
    return await page_of_order(request, services, caller, order_id, views, render=render, cursor=cursor)


async def _recorded(
    services: Services, caller: Caller, order_id: str, result: Recorded, prefer: str | None, *, status: int = 201
) -> Json:
    body = recorded_body(order_id, result)
    headers = {**written(result), "ETag": f'"{body["version"]}"'}
    if prefer is None:
        return Json(body, status_code=status, headers=headers)
    proof, more = await receipt(services, caller, result, prefer)
    return answer([to_json({**body, **proof})], status_code=status, headers={**headers, **more})
