"""The order state: what each order is now."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from pydantic_core import from_json, to_json

from application.ledger.fields import Fields
from application.ledger.port import WHY_UNREADABLE
from application.privacy.cipher import is_token
from application.privacy.documents import is_sealed
from application.privacy.parts import OpenedPart, SealedPart, event_of
from application.views.projections.entries import Entry
from application.views.projections.projection import Projection
from application.views.projections.view import Encrypted, Fixed, Json, RowOpening, View, value_of
from application.views.search import joined, with_member
from domain.events.lifecycle import Created, Redacted, Transferred
from domain.events.records import ServiceEventRecorded
from domain.order_state import OrderState, combined_state, fold
from domain.streams import order_id_of, order_stream

_STATE = Fields(OrderState.model_fields)
_NAMING = {Created.topic, Transferred.topic, Redacted.topic}
"""The events that change an order's customer, or whether the customer is known."""
CUSTOMER_FIELDS = {Created.topic: "customer", Transferred.topic: "new_customer"}
"""The fields that name the order's new customer."""
_NAMED_IN = {field: event_type for event_type, field in CUSTOMER_FIELDS.items()}


class OrderStateRow(NamedTuple):
    """One order; detail is its OrderState as JSON, first_position the ledger position of its first event.

    customer_from names the event that named the customer, and the field in it: new_customer/<event id>. The customer in
    detail is encrypted as a part of that event. A service's description is encrypted as a part of the event whose id
    stands beside it in detail, as sealed_in.
    """

    order_id: str
    first_position: Fixed[int]
    updated_at: datetime
    reference: str | None
    state: str
    status: str | None
    payment_status: str | None
    delivery_status: str | None
    search: str
    detail: Encrypted[Json]
    customer_from: str | None

    def opening(self) -> RowOpening:
        """Return how the customer and the services' descriptions in detail are opened.

        Where something cannot be opened, the opened detail has the member unreadable with the reason.
        """
        detail = value_of(self.detail)
        customer, reports = _customer_in(detail), _described_in(detail)
        parts = [] if customer is None else [self._naming(customer)]
        parts += [self._describing(report) for _, report in reports]

        def shown(opened: Sequence[OpenedPart]) -> OrderStateRow:
            return self._replace(detail=to_json(_opened(detail, customer, reports, opened))) if opened else self

        return RowOpening(parts, shown)

    def _naming(self, customer: dict[str, Any]) -> SealedPart:
        """Return the customer as a part of the event that named them."""
        field, _, event_id = (self.customer_from or "").partition("/")
        event_type = _NAMED_IN.get(field, Created.topic)  # a customer from an unknown event opens in none
        is_encrypted = any(map(is_token, customer.values()))
        named = {CUSTOMER_FIELDS[event_type]: customer}
        return self._part(event_type, event_of(event_id, *customer.values()) if is_encrypted else None, named)

    def _describing(self, report: dict[str, Any]) -> SealedPart:
        """Return a service's description as a part of its newest report."""
        told = {"description": report["description"]}
        return self._part(ServiceEventRecorded.topic, event_of(report.get("sealed_in"), *told.values()), told)

    def _part(self, event_type: str, event_id: str | None, data: dict[str, Any]) -> SealedPart:
        return SealedPart(event_type, order_stream(self.order_id), event_id, self.first_position, data)


def _customer_in(detail: Any) -> dict[str, Any] | None:
    """Return an order's customer; None if it has none, or if its state does not have our form."""
    customer = detail.get("customer") if isinstance(detail, dict) else None
    return customer if isinstance(customer, dict) else None


def _described_in(detail: Any) -> list[tuple[str, dict[str, Any]]]:
    """Return the services in a state whose newest reports have descriptions, with these reports."""
    services = detail.get("services") if isinstance(detail, dict) else None
    reports = services.items() if isinstance(services, dict) else ()
    return [(name, report) for name, report in reports if isinstance(report, dict) and report.get("description")]


def _opened(
    detail: dict[str, Any],
    customer: dict[str, Any] | None,
    reports: Sequence[tuple[str, dict[str, Any]]],
    opened: Sequence[OpenedPart],
) -> dict[str, Any]:
    """Return a state with its opened parts: that of its customer, if it has one, and then those of the reports."""
    told, reasons = iter(opened), []
    if customer is not None:
        named = next(told)
        [detail["customer"]] = named.values.values()
        reasons += [named.unreadable] if named.unreadable else []
    for (service, report), part in zip(reports, told, strict=True):
        report["description"] = part.values["description"]
        reasons += [f"services.{service}.{part.unreadable}"] if part.unreadable else []
    return {**detail, **({WHY_UNREADABLE: "; ".join(reasons)} if reasons else {})}


ORDER_STATE_VIEW = View("order_state", OrderStateRow, key=("order_id",))


class _Order:
    """An order folded from its events so far, with the text it is found by."""

    def __init__(self, order_id: str, position: int, row: OrderStateRow | None) -> None:
        self.order_id = order_id
        self.first_position = row.first_position if row else position
        self.state = _STATE.completed(from_json(row.detail) if row else {})
        self.state["updated_at"] = row.updated_at if row else None
        self.search = row.search if row else joined([order_id])
        self.customer_from = row.customer_from if row else None

    def take(self, entry: Entry) -> None:
        event_type, recorded, state = entry.type, entry.recorded, self.state
        known = state["customer"]
        if event_type == ServiceEventRecorded.topic:
            self._take_report(entry)
        else:
            fold(state, event_type, entry.fields, recorded.version, recorded.occurred_at)
        if event_type == Created.topic and known is not None:
            # This event was reported late: the order stays with the customer it has got since.
            self.search = with_member(self.search, state["reference"])
        elif event_type in _NAMING:
            is_named = state["customer"] is not None
            words = (self.order_id, state["reference"], *(_words(entry) if is_named else ()))
            self.search = joined(words)
            self.customer_from = f"{CUSTOMER_FIELDS[event_type]}/{recorded.event_id}" if is_named else None

    def _take_report(self, entry: Entry) -> None:
        """Fold a service's report. If its description is encrypted, keep the event's id beside it."""
        recorded, services, service = entry.recorded, self.state["services"], entry.fields["service"]
        before = services.get(service)
        fold(self.state, entry.type, entry.fields, recorded.version, recorded.occurred_at)
        report = services[service]
        if report is not before and report["description"] is not None and is_sealed(recorded):
            report["sealed_in"] = recorded.event_id

    def row(self) -> OrderStateRow:
        state = self.state
        return OrderStateRow(
            order_id=self.order_id,
            first_position=self.first_position,
            updated_at=state["updated_at"],
            reference=state["reference"],
            state=combined_state(state),
            status=state["status"],
            payment_status=state["payment_status"],
            delivery_status=state["delivery_status"],
            search=self.search,
            detail=to_json(state),
            customer_from=self.customer_from,
        )


def _words(entry: Entry) -> Iterator[str]:
    """Yield the words of the named customer by which the order is found, as far as they may be shown."""
    field = CUSTOMER_FIELDS[entry.type]
    if entry.shown is not None:
        customer = entry.shown[field]
    else:
        customer = {name: word for name, word in entry.fields[field].items() if not is_token(word)}
    yield from (customer.get("id", ""), customer.get("name", ""))


def _needs(entries: Sequence[Entry]) -> list[str]:
    streams = {entry.recorded.stream for entry in entries if entry.recorded.type.startswith("order.")}
    return [order_id_of(stream) for stream in streams]


def _rows(entries: Sequence[Entry], present: Mapping[str, OrderStateRow]) -> list[OrderStateRow]:
    """Fold each order's events onto its row."""
    orders: dict[str, _Order] = {}
    for entry in entries:
        order_id = entry.order_id
        if order_id is not None:
            if (order := orders.get(order_id)) is None:
                order = orders[order_id] = _Order(order_id, entry.position, present.get(order_id))
            order.take(entry)
    return [order.row() for order in orders.values()]


ORDER_STATE = Projection(ORDER_STATE_VIEW.name, rows=_rows, needs=_needs)
