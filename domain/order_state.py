"""The state of an order after its events. Both the aggregate and the order_state view fold it."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from domain.events.delivery import DeliveryStatusUpdated
from domain.events.event import Event
from domain.events.integration import IntegrationTied, IntegrationUntied
from domain.events.lifecycle import Created, Edited, Redacted, StatusUpdated, Transferred
from domain.events.payment import PaymentStatusUpdated
from domain.events.records import ServiceEventRecorded, ServiceState
from domain.events.split import Split, SplitChanges, SplitFrom
from domain.values import Change, Customer, Money, Totals

CombinedState = Literal["failure", "pending", "success"]


_FAILED = frozenset({ServiceState.ERROR, ServiceState.FAILURE})


class ServiceStatus(BaseModel):
    """The newest report of one service by occurred_at; of two with the same time, the one that was recorded later."""

    state: ServiceState
    status: str
    description: str | None = None
    occurred_at: datetime


class OrderState(BaseModel):
    """An order as its events have made it. Version 0 is an order without any event."""

    version: int = 0
    created_at: datetime | None = None
    updated_at: datetime | None = None
    created_by: str = ""
    reference: str | None = None
    status: str | None = None
    payment_status: str | None = None
    delivery_status: str | None = None
    customer: Customer | None = None
    totals: Totals | None = None
    parent: str | None = None
    children: list[str] = Field(default_factory=list)
    services: dict[str, ServiceStatus] = Field(default_factory=dict)
    integrations: list[int] = Field(default_factory=list)
    """The integrations to which the order is tied, in the order in which they were tied."""
    has_failed: bool = False
    """Whether any service ever reported an error or a failure."""
    redacted: bool = False
    """Whether the order's data about its customer was erased. Later events do not undo this."""

    @property
    def combined_state(self) -> CombinedState:
        """The order's state over all services."""
        return combined_state(vars(self))

    def evolve(self, event: Event) -> None:
        """Fold the next event of the order's stream."""
        # Bypass the model's own setter, which takes longer than the fold.
        fold(vars(self), event.topic, vars(event), event.originator_version, event.timestamp)


def combined_state(state: Mapping[str, Any]) -> CombinedState:
    """Return an order's state over all services, by the rule that Dintero documents.

    failure if any report was ever an error or a failure, even if the service succeeded later; otherwise pending if
    nothing was reported or some service's newest report is pending; otherwise success.
    """
    if state["has_failed"]:
        return "failure"
    newest = [_member(report, "state") for report in state["services"].values()]
    return "pending" if not newest or ServiceState.PENDING in newest else "success"


def fold(state: dict[str, Any], topic: str, event: Mapping[str, Any], version: int, occurred_at: datetime) -> None:
    """Fold the next event of an order's stream onto the fields of its OrderState.

    The fields of both may be objects of models or plain JSON. A rebuild folds all events, and most of their values are
    only moved from one to the other.
    """
    if change := _CHANGES.get(topic):
        change(state, event, occurred_at)
    if state["redacted"]:
        state["customer"] = None
    state["version"] = version
    state["created_at"] = state["created_at"] or occurred_at
    # Producers report late and out of order. A client that asks for orders updated since a time must not miss this one.
    state["updated_at"] = max(state["updated_at"] or occurred_at, occurred_at)


def totals_before(event: Edited | SplitChanges) -> Totals:
    """Return the order's totals before its lines changed."""
    return Totals(total=event.total.before, subtotal=event.subtotal.before, discount=event.discount.before)


def totals_after(event: Edited | SplitChanges) -> Totals:
    """Return the order's totals after its lines changed."""
    return Totals(total=event.total.after, subtotal=event.subtotal.after, discount=event.discount.after)


def changes(before: Totals, after: Totals) -> dict[str, Change[Money]]:
    """Return the three pairs of an edit or a split."""
    return {
        "total": Change(before=before.total, after=after.total),
        "subtotal": Change(before=before.subtotal, after=after.subtotal),
        "discount": Change(before=before.discount, after=after.discount),
    }


def _member(value: Any, name: str) -> Any:
    """Return a member of a model, or of the JSON of one."""
    return value[name] if isinstance(value, dict) else getattr(value, name)


_Change = Callable[[dict[str, Any], Mapping[str, Any], datetime], None]


def _sets(**fields: str) -> _Change:
    """Return a change that sets these fields of the state to these fields of the event."""
    pairs = tuple(fields.items())

    def change(state: dict[str, Any], event: Mapping[str, Any], _occurred_at: datetime) -> None:
        for name, field in pairs:
            state[name] = event[field]

    return change


def _create(state: dict[str, Any], event: Mapping[str, Any], occurred_at: datetime) -> None:
    """Take the order's first values. They may be reported after other events, whose values are newer and stay."""
    state["created_by"] = event["created_by"]
    state["reference"] = event["reference"]
    state["created_at"] = occurred_at
    for name in ("customer", "totals"):
        if state[name] is None:
            state[name] = event[name]


def _report(state: dict[str, Any], event: Mapping[str, Any], occurred_at: datetime) -> None:
    told = {
        "state": ServiceState(event["state"]),
        "status": event["service_status"],
        "description": event["description"],
        "occurred_at": occurred_at,
    }
    newest = state["services"].get(event["service"])
    # A service's reports have one clock, which tells their order better than the order in which they arrived.
    if newest is None or _time(newest) <= occurred_at:
        is_json = not isinstance(event["state"], ServiceState)
        state["services"][event["service"]] = told if is_json else ServiceStatus(**told)
    state["has_failed"] = state["has_failed"] or told["state"] in _FAILED


def _time(report: Any) -> datetime:
    """Return when a service's report occurred."""
    occurred_at = _member(report, "occurred_at")
    return datetime.fromisoformat(occurred_at) if isinstance(occurred_at, str) else occurred_at


def _amount(state: dict[str, Any], event: Mapping[str, Any], _occurred_at: datetime) -> None:
    after = {name: _member(event[name], "after") for name in Totals.model_fields}
    # Values in JSON were valid when they were recorded, by the rules of that time.
    state["totals"] = after if isinstance(after["total"], dict) else Totals(**after)


def _have_child(state: dict[str, Any], event: Mapping[str, Any], _occurred_at: datetime) -> None:
    if event["child_order_id"] not in state["children"]:
        state["children"].append(event["child_order_id"])


def _tie(state: dict[str, Any], event: Mapping[str, Any], _occurred_at: datetime) -> None:
    if event["integration_id"] not in state["integrations"]:
        state["integrations"].append(event["integration_id"])


def _untie(state: dict[str, Any], event: Mapping[str, Any], _occurred_at: datetime) -> None:
    state["integrations"] = [tied for tied in state["integrations"] if tied != event["integration_id"]]


def _redact(state: dict[str, Any], _event: Mapping[str, Any], _occurred_at: datetime) -> None:
    state["redacted"] = True


_CHANGES: Mapping[str, _Change] = {
    Created.topic: _create,
    StatusUpdated.topic: _sets(status="status"),
    PaymentStatusUpdated.topic: _sets(payment_status="status"),
    DeliveryStatusUpdated.topic: _sets(delivery_status="status"),
    Transferred.topic: _sets(customer="new_customer"),
    SplitFrom.topic: _sets(parent="parent_order_id"),
    Split.topic: _have_child,
    Edited.topic: _amount,
    SplitChanges.topic: _amount,
    ServiceEventRecorded.topic: _report,
    IntegrationTied.topic: _tie,
    IntegrationUntied.topic: _untie,
    Redacted.topic: _redact,
}
"""What each type of event changes. All other types change only the version and the time of the last change."""
CHANGING = frozenset(_CHANGES)
"""The types of the events that you need for an order's state."""
