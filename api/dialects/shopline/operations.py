"""SHOPLINE's operations on orders, which write its action log."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Request

from api.dialects.shopline import bodies, models
from api.dialects.shopline.errors import responses
from api.dialects.shopline.history import changes, order_after
from api.dialects.shopline.order import owner_type
from api.dialects.shopline.security import CallerDep
from api.dialects.shopline.values import new_object_id, offset
from api.http.parts import answer
from api.http.problems import Fault, InvalidRequest
from api.http.reading.json_text import to_json
from api.http.requests import Json, KeyDep, ServicesDep, StrictRoute, read, written
from api.services import Services
from application.access.callers import Caller, authorise, comments_on
from application.ledger.outcome import Recorded, first_told
from application.ledger.port import IdempotencyKey
from domain.events.delivery import DeliveryStatusUpdated
from domain.events.lifecycle import CommentAdded, StatusUpdated
from domain.events.payment import PaymentStatusUpdated
from domain.streams import order_stream
from domain.values import MAX_BIGINT, Identifier, Money

router = APIRouter(
    prefix="/v1/orders",
    tags=["SHOPLINE"],
    route_class=StrictRoute,
    responses=responses(400, 401, 403, 404, 422, 429),
)

OrderId = Annotated[Identifier, Path(alias="id", description="The order's id, or its reference", examples=["A-1001"])]


@router.patch("/{id}/status", response_model=models.ShoplineOrder, summary="Update Order Status")
async def update_status(
    order_id: OrderId, body: bodies.StatusUpdate, caller: CallerDep, services: ServicesDep, key: KeyDep
) -> Json:
    """Record the order's new status: updated_status in its log."""
    event = StatusUpdated(
        originator_id=order_stream(order_id), actor=caller.actor, status=body.status, options=body.options("status")
    )
    return await _order(services, caller, await _record(services, caller, event, key))


@router.patch("/{id}/order_delivery_status", response_model=models.NewStatus, summary="Update Order Delivery Status")
async def update_delivery_status(
    order_id: OrderId, body: bodies.DeliveryStatusUpdate, caller: CallerDep, services: ServicesDep, key: KeyDep
) -> Json:
    """Record the delivery's new status: updated_delivery_status in the order's log."""
    event = DeliveryStatusUpdated(
        originator_id=order_stream(order_id), actor=caller.actor, status=body.status, options=body.options("status")
    )
    return _status_updated(body.status, await _record(services, caller, event, key))


@router.patch("/{id}/order_payment_status", response_model=models.NewStatus, summary="Update Order Payment Status")
async def update_payment_status(
    order_id: OrderId, body: bodies.PaymentStatusUpdate, caller: CallerDep, services: ServicesDep, key: KeyDep
) -> Json:
    """Record the payment's new status: updated_payment_status in the order's log."""
    event = PaymentStatusUpdated(
        originator_id=order_stream(order_id), actor=caller.actor, status=body.status, options=body.options("status")
    )
    return _status_updated(body.status, await _record(services, caller, event, key))


@router.patch("/{id}/cancel", response_model=models.ShoplineOrder, summary="Cancel Order")
async def cancel_order(
    order_id: OrderId,
    request: Request,
    caller: CallerDep,
    services: ServicesDep,
    key: KeyDep,
    body: Annotated[bodies.Cancellation | None, Body()] = None,
) -> Json:
    """Cancel an order that is not cancelled: updated_status in its log, after customer_cancel_requested if the customer
    did.
    """
    authorise(caller, "write:orders")
    cancellation = body or bodies.Cancellation()
    by_customer = cancellation.operated_by != "merchant"
    address = request.client.host if request.client else ""
    result = await services.orders.cancel(
        caller.tenant,
        order_id,
        cancellation.reason,
        requested_from=address if by_customer else None,
        options=cancellation.options(),
        actor=caller.actor,
        key=key,
    )
    return await _order(services, caller, result)


@router.post("/{id}/split", response_model=models.ShoplineOrder, summary="Split Order")
async def split_order(
    order_id: OrderId, body: bodies.OrderSplit, caller: CallerDep, services: ServicesDep, key: KeyDep
) -> Json:
    """Make lines of the order a new order, and return the rest. Both orders change, or neither does.

    The order's log gets order_split and, if the lines have prices, order_split_changes. The new order's log gets
    order_created and order_split_from.
    """
    authorise(caller, "write:orders")
    price = _price(body)
    await read(services, caller, "timeline", "order_state")
    tenant = caller.tenant

    async def known(id_: str) -> list[int]:
        """Return the version of the newest change at the time that the client knows, or 0; nothing if there is none."""
        found: list[int] = []
        async for event in changes(services, tenant, id_):
            found = [event.version] if body.updated_at.is_of(event.recorded_at) else found or [0]
        return found

    versions = await services.queries.of_order(tenant.name, order_id, known)
    split = await services.orders.split(
        tenant,
        order_id,
        None,
        price,
        changed_version=versions[0] if versions else 0,
        options=body.options("updated_at"),
        actor=caller.actor,
        key=key,
    )
    return await _order(services, caller, split.recorded)


@router.post("/{id}/messages", response_model=models.Comment, summary="Create Order Message")
async def create_message(
    order_id: OrderId, body: bodies.NewMessage, caller: CallerDep, services: ServicesDep, key: KeyDep
) -> Json:
    """Comment on the order: added_a_comment in its log."""
    authorise(caller, comments_on(order_id))
    if not (body.text or body.media_id):
        raise InvalidRequest(Fault(("body", "text"), "is needed, or a media_id", "missing"))
    event = CommentAdded(
        originator_id=order_stream(order_id),
        event_id=new_object_id(),
        actor=caller.actor,
        text=body.text or "",
        is_private=bool(body.is_private),
        sender=body.send_by or "merchant",
        media_id=body.media_id,
        subject_type=body.trackable_type,
        subject_id=body.trackable_id,
        custom_data=body.custom_data,
    )
    result = await services.orders.record(caller.tenant, event.order_id, [event], key=key)
    event = await first_told(services.store, caller.tenant.name, event, result)
    owner: str | None = caller.tenant.name
    if event.sender == "customer":
        order = await order_after(services, caller.tenant, result)
        owner = order.render()["customer_id"]
    return Json(_comment(event, owner), headers=written(result))


async def _record(
    services: Services,
    caller: Caller,
    event: StatusUpdated | PaymentStatusUpdated | DeliveryStatusUpdated,
    key: IdempotencyKey | None,
) -> Recorded:
    authorise(caller, "write:orders")
    return await services.orders.record(caller.tenant, event.order_id, [event], key=key)


async def _order(services: Services, caller: Caller, result: Recorded) -> Json:
    """Return the order as it was after the request."""
    order = await order_after(services, caller.tenant, result)
    return answer([to_json(order.render())], headers=written(result))


def _status_updated(status: str, result: Recorded) -> Json:
    body = {"order_id": result.order_id, "status": status, "updated_at": offset(result.recorded_at)}
    return Json(body, headers=written(result))


def _price(body: bodies.OrderSplit) -> Money | None:
    """Return the total price of the lines; None if no price is given. Raises InvalidRequest."""
    priced = [(n, item.quantity, item.price) for n, item in enumerate(body.order_items) if item.price]
    if not priced:
        return None
    currency = priced[0][2].currency_iso
    faults = [
        Fault(("body", "order_items", n, "price"), "is missing, while others have one", "missing")
        for n, item in enumerate(body.order_items)
        if item.price is None
    ]
    faults += [
        Fault(("body", "order_items", n, "price"), f"is not in {currency} as the others are", "currency")
        for n, _, price in priced
        if price.currency_iso != currency
    ]
    cents = sum(price.cents * quantity for _, quantity, price in priced)
    if abs(cents) > MAX_BIGINT:
        faults.append(Fault(("body", "order_items"), "cost more than can be counted", "too_large"))
    if faults:
        raise InvalidRequest(*faults)
    return Money(cents=cents, currency_iso=currency)


def _comment(event: CommentAdded, owner_id: str | None) -> dict[str, Any]:
    moment = offset(event.timestamp)
    return {
        "id": event.event_id,
        "created_at": moment,
        "updated_at": moment,
        "text": event.text,
        "owner_id": owner_id,
        "owner_type": owner_type(event),
        "trackable_id": event.subject_id or event.order_id,
        "trackable_type": event.subject_type or "Order",
        "is_private": event.is_private,
        "media": {"id": event.media_id} if event.media_id else None,
    }
