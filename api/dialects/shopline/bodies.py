"""The bodies of requests to SHOPLINE's operations on orders."""

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    PlainValidator,
    StrictBool,
    Tag,
    WithJsonSchema,
)

from api.dialects.shopline.values import SeenTime, seen_time
from domain.values import FORM, Body, JsonObject, Money, Name, OptionalId

OrderStatus = Literal["temp", "pending", "removed", "confirmed", "completed", "cancelled"]
PaymentStatus = Literal["pending", "failed", "expired", "completed", "refunding", "refunded"]
DeliveryStatus = Literal["pending", "shipping", "shipped", "arrived", "collected", "returned", "returning"]
Side = Literal["merchant", "customer"]
Wish = Annotated[JsonObject, Tag(f"{FORM}an object")] | Annotated[StrictBool, Tag(f"{FORM}a truth value")]
"""Whether something is wanted, or what exactly."""


def _whole(quantity: Any) -> Any:
    """Return a number as a whole one: the vendor's own models have it as 1.0."""
    if not isinstance(quantity, float):
        return quantity
    if not quantity.is_integer():
        raise ValueError("is not a whole number")
    return int(quantity)


def _example(**body: JsonValue) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [body]})


class ShoplineRequest(BaseModel):
    """A request. Unknown members are ignored, as SHOPLINE ignores them."""

    def options(self, *told: str) -> dict[str, Any] | None:
        """Return the request's wishes that the event itself does not hold."""
        return self.model_dump(mode="json", exclude=set(told), exclude_unset=True, exclude_none=True) or None


class StatusUpdate(ShoplineRequest):
    """The order's new status."""

    model_config = _example(status="confirmed", mail_notify=False)
    status: OrderStatus
    mail_notify: StrictBool | None = Field(None, description="Whether the customer is to be told; kept with the event")


class PaymentStatusUpdate(ShoplineRequest):
    """The order's new payment status."""

    model_config = _example(status="completed", mail_notify=False)
    status: PaymentStatus
    mail_notify: StrictBool | None = None


class DeliveryStatusUpdate(ShoplineRequest):
    """The order's new delivery status."""

    model_config = _example(status="shipped", mail_notify=False)
    status: DeliveryStatus
    mail_notify: StrictBool | None = None
    force_update: Name | None = Field(None, description="status, to overrule a logistics provider")


class CancelledReason(BaseModel):
    """The reason why an order is cancelled: a key, and a text."""

    key: Name | None = None
    message: Name | None = None


class Cancellation(ShoplineRequest):
    """Why an order is cancelled, and who asked for it. Nothing is refunded, reverted or mailed here, but the wishes are
    recorded.
    """

    model_config = _example(
        cancelled_reason={"key": "out_of_stock", "message": "The last one broke"},
        operated_by="merchant",
        refund_order=True,
        mail_notify=True,
    )
    cancelled_reason: CancelledReason | None = None
    operated_by: Side | None = Field(None, description="customer, if it is left out")
    revert_credits: Wish | None = None
    revert_member_points: Wish | None = None
    refund_order: StrictBool | None = None
    mail_notify: StrictBool | None = None

    @property
    def reason(self) -> str:
        told = self.cancelled_reason or CancelledReason()
        return told.message or told.key or ""


class SplitItem(BaseModel):
    """A line of the order, and the quantity of it."""

    id: Annotated[Name, Field(min_length=1)]
    quantity: Annotated[int, Field(strict=True, gt=0, le=1_000_000), BeforeValidator(_whole)]
    price: Money | None = Field(None, description="Of one, if you know it: the lines of orders are not known here")


class OrderSplit(ShoplineRequest):
    """The lines that become a new order."""

    model_config = _example(
        order_items=[{"id": "62a9c50634e470204d99fa0a", "quantity": 1}],
        updated_at="2022-08-05 07:59:09",
        send_child_email=False,
        send_parent_email=False,
    )
    order_items: list[SplitItem] = Field(min_length=1, max_length=1_000)
    updated_at: Annotated[
        SeenTime, PlainValidator(seen_time), WithJsonSchema({"type": "string", "examples": ["2022-08-05 07:59:09"]})
    ] = Field(description="The order's updated_at as you know it, in UTC; another one is refused")
    send_child_email: StrictBool | None = None
    send_parent_email: StrictBool | None = None


class NewMessage(ShoplineRequest):
    """A comment on the order."""

    model_config = _example(text="When will it arrive?", is_private=False, send_by="customer")
    text: Body | None = None
    media_id: OptionalId = None
    is_private: StrictBool | None = Field(None, description="Whether only the shop may see it")
    send_by: Side | None = Field(None, description="merchant, if it is left out")
    trackable_type: OptionalId = Field(None, description="What it is about; the order, if it is left out")
    trackable_id: OptionalId = None
    custom_data: JsonObject | None = None
