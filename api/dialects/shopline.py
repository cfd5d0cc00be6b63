"""SHOPLINE's dialect: the action logs of an order."""

from collections.abc import Mapping
from datetime import UTC, datetime
from operator import attrgetter
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response, Security
from fastapi.security import HTTPBearer
from pydantic import BaseModel, Field

from api.dialect import Dialect
from api.problems import Kind, Problem, dotted
from api.requests import Json, ServicesDep, StrictRoute, read
from api.security import bearer
from application.access import Caller, authorise
from application.queries import ACTION_LOG_SIZE
from domain.events import delivery, lifecycle, payment, split
from domain.events.order_event import OrderEvent
from domain.values import Change, Identifier, Money

_TOKEN = HTTPBearer(auto_error=False, scheme_name="ShoplineToken", description="ot_<key_id>_<secret>")

_TOTALS = {"total": "total", "subtotal": "subtotal", "discount": "discount"}

ACTIONS: Mapping[type[OrderEvent], tuple[str, Mapping[str, str] | None]] = {
    delivery.ShipmentJobFailed: ("execute_shipment_job_failed", None),
    delivery.DeliveryStatusUpdated: ("updated_delivery_status", {"updated_delivery_status": "status"}),
    delivery.RefDeliveryStatusUpdated: ("updated_ref_delivery_status", {"updated_ref_delivery_status": "status"}),
    lifecycle.StatusUpdated: ("updated_status", {"updated_status": "status", "reason": "reason"}),
    payment.PaymentStatusUpdated: ("updated_payment_status", {"updated_payment_status": "status", "reason": "reason"}),
    delivery.ShipmentIdSet: ("set_shipment_id", {"set_shipment_id": "shipment_id"}),
    # Two keys end in a space on the vendor's page, and clients compare them as they are printed there.
    delivery.DeliveryDetailsUpdated: ("updated_delivery_details ", None),
    lifecycle.CustomerDetailsUpdated: ("updated_customer_details ", None),
    lifecycle.DetailsUpdated: ("updated_order_details", None),
    lifecycle.CommentAdded: ("added_a_comment", None),
    delivery.DeliveryRemarkCreated: ("create_delivery_remark", None),
    delivery.DeliveryRemarkUpdated: ("update_delivery_remark", None),
    delivery.DeliveryRemarkDeleted: ("delete_delivery_remark", None),
    delivery.DeliveryLocationUpdated: (
        "delivery_location_updated",
        {"current_location_name": "location_name.before", "updated_location_name": "location_name.after"},
    ),
    delivery.ReturningStoreUpdated: ("returning_store_updated", {"updated_location_name": "location_name"}),
    lifecycle.Edited: ("order_edit", _TOTALS),
    split.Split: ("order_split", {"order_id": "child_order_id"}),
    split.SplitChanges: ("order_split_changes", _TOTALS),
    split.SplitFrom: ("order_split_from", {"order_id": "parent_order_id"}),
    delivery.DeliveryMethodChanged: (
        "update_delivery_method",
        {"from_delivery_method": "method.before", "to_delivery_method": "method.after"},
    ),
    payment.PaymentMethodChanged: (
        "update_payment_method",
        {"from_payment_method": "method.before", "to_payment_method": "method.after"},
    ),
    lifecycle.ProductSubscriptionCreated: (
        "product_subscription_created",
        {"product_subscription_id": "product_subscription_id", "product_title": "product_title"},
    ),
    lifecycle.ProductSubscriptionCancelled: ("cancell_product_subscription", None),
    payment.AmountUnmatched: ("unmatch_amount", {"amount": "amount"}),
    payment.PaymentSlipAdded: ("added_order_payment_slip", None),
    lifecycle.Transferred: (
        "order_transferred",
        {
            "original_customer_id": "original_customer.id",
            "original_customer_name": "original_customer.name",
            "new_customer_id": "new_customer.id",
            "new_customer_name": "new_customer.name",
        },
    ),
    lifecycle.Created: ("order_created", {"created_by": "created_by"}),
    lifecycle.CancellationRequested: (
        "customer_cancel_requested",
        {"cancelled_reason": "reason", "performer_ip": "performer_ip"},
    ),
    lifecycle.CancellationFailed: (
        "customer_cancel_failed",
        {"cancelled_reason": "reason", "performer_ip": "performer_ip"},
    ),
    payment.ChargebackRequested: ("chargeback_request", None),
    payment.ChargebackUnderReview: ("chargeback_review", None),
    payment.ChargebackLost: ("chargeback_lost", None),
    payment.ChargebackExpired: ("chargeback_expired", None),
    payment.ChargebackWon: ("chargeback_won", None),
    payment.ChargebackCanceled: ("chargeback_canceled", None),
    payment.ChargebackResolved: ("chargeback_resolved", None),
    delivery.ShipmentExecutionFailed: ("execute_shipment_failed", {"messasge": "message"}),
    delivery.ShipmentCancellationFailed: ("cancel_shipment_failed", {"messasge": "message"}),
    payment.InvoiceRequestUpdated: ("update_invoice_request", None),
    payment.InvoiceCreated: ("create_invoice", None),
    payment.InvoiceCancelled: ("cancel_invoice", None),
    payment.InvoiceStatusUpdated: ("update_invoice_status", {"status": "status", "updated_at": "updated_at"}),
}
"""Each action's key, and its data: SHOPLINE's name -> the event's field. In the order of the vendor's page.

Its spelling is kept: trailing spaces, messasge, cancell_. A pair of before and after is an array of two there.
"""


def action_log(event: OrderEvent) -> dict[str, Any]:
    """Return an action as SHOPLINE's log has it."""
    key, members = ACTIONS[type(event)]
    return {
        "key": key,
        "data": None if members is None else {name: _member(event, field) for name, field in members.items()},
        "created_at": _instant(event.timestamp),
        "performer_name": event.actor.name,
        "performer_type": event.actor.type,
        "performer_id": event.actor.id,
        "performing_application_id": event.actor.application_id,
    }


def _member(event: OrderEvent, field: str) -> Any:
    return _rendered(attrgetter(field)(event))


def _rendered(value: Any) -> Any:
    match value:
        case Change():
            return [_rendered(value.before), _rendered(value.after)]
        case Money():
            return value.model_dump()
        case dict():
            # SHOPLINE writes its languages in lower case with hyphens: zh-hant.
            return {language.lower().replace("_", "-"): text for language, text in value.items()}
        case _:
            return value


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class ActionLog(BaseModel):
    """One action on an order."""

    key: str = Field(description="What was done", examples=["updated_status"])
    data: dict[str, Any] | None = Field(
        description="Details, in a shape of the key's own", examples=[{"updated_status": "string", "reason": "string"}]
    )
    created_at: str = Field(description="When it was done, in UTC", examples=["2021-11-02T04:06:13.304Z"])
    performer_name: str = Field(examples=["shop"])
    performer_type: str = Field(examples=["User"])
    performer_id: str = Field(examples=["60c1e027a47d91004377f129"])
    performing_application_id: str | None = Field(examples=["60c1e027a47d91004377f12f"])


class ActionLogs(BaseModel):
    """The newest actions on an order, the newest first."""

    items: list[ActionLog] = Field(max_length=ACTION_LOG_SIZE)


class Refusal(BaseModel):
    """Why a request was refused."""

    message: str
    code: str = Field(examples=["Forbidden"])


class InvalidRefusal(Refusal):
    """What is wrong with a request."""

    error: str = Field(examples=["Invalid request"])
    extras: dict[str, Any] = Field(examples=[{"errors": [{"field": "path.id", "message": "is too long"}]}])


_CODES = {
    Kind.UNAUTHENTICATED: "Unauthorized",
    Kind.INVALID: "UnprocessableEntity",
    Kind.TOO_MANY: "RateLimitExceeded",
    Kind.INTERNAL: "InternalServerError",
}


def render(problem: Problem) -> Response:
    """Render a problem as SHOPLINE does; only a 422 says more than message and code."""
    code = _CODES.get(problem.kind) or problem.kind.title.title().replace(" ", "")
    body: dict[str, Any] = {"message": problem.detail, "code": code}
    if problem.status == 422:
        faults = [{"field": dotted(fault.where), "message": fault.what} for fault in problem.faults]
        body = {"error": problem.kind.title, **body, "extras": {"errors": faults}}
    response = Json(body, status_code=problem.status)
    if problem.kind is Kind.UNAUTHENTICATED:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


async def _caller(request: Request, services: ServicesDep, _documented: Annotated[object, Security(_TOKEN)]) -> Caller:
    return await bearer(services, request)


router = APIRouter(
    prefix="/v1/orders",
    route_class=StrictRoute,
    responses={
        401: {"model": Refusal, "description": "No valid token"},
        403: {"model": Refusal, "description": "The token lacks the scope read:orders"},
        422: {"model": InvalidRefusal, "description": "The id cannot be an order's"},
    },
)


@router.get("/{id}/action_logs", response_model=ActionLogs, summary="Get Action Logs")
async def get_action_logs(
    order_id: Annotated[Identifier, Path(alias="id", description="The order's id", examples=["A-1001"])],
    caller: Annotated[Caller, Depends(_caller)],
    services: ServicesDep,
) -> Json:
    """Return the newest 100 actions on an order, the newest first; none for an order that does not exist."""
    authorise(caller, "read:orders")
    headers = await read(services, caller, "action_log")
    rows = await services.queries.views.action_log(caller.tenant.name, order_id, limit=ACTION_LOG_SIZE)
    return Json({"items": [action_log(row.action) for row in rows]}, headers=headers)


DIALECT = Dialect("SHOPLINE", ("/v1/orders",), router, render)
