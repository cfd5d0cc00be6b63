"""The answers of SHOPLINE's operations on orders, for the documentation."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from application.views.queries import ACTION_LOG_SIZE

Time = Field(examples=["2021-11-02T04:06:13.304+00:00"])


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
    performing_application_id: str = Field(examples=["60c1e027a47d91004377f12f"])
    performer_application_id: str = Field(description="The same", examples=["60c1e027a47d91004377f12f"])


class ActionLogs(BaseModel):
    """The newest actions on an order, newest first by created_at."""

    items: list[ActionLog] = Field(max_length=ACTION_LOG_SIZE)


class ShoplineMoney(BaseModel):
    """An amount."""

    cents: int
    currency_symbol: str
    currency_iso: str
    label: str
    dollars: float


Translatable = dict[str, str]


class Payment(BaseModel):
    """How the order is paid."""

    status: str = Field(examples=["pending"])
    name_translations: Translatable | None
    total: ShoplineMoney | None
    paid_at: str | None
    updated_at: str | None


class Delivery(BaseModel):
    """How the order is delivered."""

    status: str = Field(examples=["pending"])
    delivery_status: str | None
    name_translations: Translatable | None
    remark: str | None
    shipped_at: str | None
    arrived_at: str | None
    collected_at: str | None
    returned_at: str | None
    updated_at: str | None


class Remark(BaseModel):
    """A comment or a note on the order."""

    owner_type: Literal["Merchant", "User"]
    value: str
    time: str = Time


class ShoplineOrder(BaseModel):
    """An order, as far as its recorded events tell; everything else is null or empty."""

    id: str = Field(examples=["60c1e027a47d91004377f129"])
    order_number: str | None
    system_order_number: str | None
    merchant_order_number: str | None
    ref_order_id: str | None = Field(description="What a partner calls the order")
    status: str = Field(examples=["pending"])
    type: str | None
    created_by: str | None
    customer_id: str | None
    customer_name: str | None
    customer_email: str | None
    customer_phone: str | None
    currency_iso: str | None
    subtotal: ShoplineMoney | None
    order_discount: ShoplineMoney | None
    user_credit: ShoplineMoney | None
    total_tax_fee: ShoplineMoney | None
    total: ShoplineMoney | None
    order_payment: Payment
    order_delivery: Delivery
    delivery_address: dict[str, Any] | None
    delivery_data: dict[str, Any] | None
    subtotal_items: list[dict[str, Any]]
    parent_order_id: str | None
    child_order_ids: list[str]
    split_at: str | None
    edited_at: str | None
    confirmed_at: str | None
    completed_at: str | None
    created_at: str | None = Time
    updated_at: str | None = Time
    order_comments: list[Remark]
    order_notes: list[Remark]
    order_items_stock_tag: list[dict[str, Any]] | None
    tags: list[str]
    invoices: list[dict[str, Any]]


class NewStatus(BaseModel):
    """The new status of an order's payment or delivery."""

    order_id: str = Field(examples=["60c1e027a47d91004377f129"])
    status: str = Field(examples=["completed"])
    updated_at: str = Time


class Media(BaseModel):
    """The attachment of a comment."""

    id: str


class Comment(BaseModel):
    """A comment on an order."""

    id: str = Field(examples=["60c1e027a47d91004377f141"])
    created_at: str = Time
    updated_at: str = Time
    text: str
    owner_id: str | None
    owner_type: Literal["Merchant", "User"]
    trackable_id: str
    trackable_type: str = Field(examples=["ShoplineOrder"])
    is_private: bool
    media: Media | None


class Staff(BaseModel):
    """The person for whom a token acts."""

    id: str = Field(alias="_id")
    name: str
    email: str | None
    merchant_ids: list[str]


class Merchant(BaseModel):
    """The shop a token belongs to."""

    id: str = Field(alias="_id")
    handle: str


class TokenInfo(BaseModel):
    """Information about a token; staff is null if it acts for a program only."""

    staff: Staff | None
    merchant: Merchant
