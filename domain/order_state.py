"""What an order is because of its events: the state that both the aggregate and the order_state view fold."""

from datetime import datetime
from typing import Literal

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
    """The newest report of one service."""

    state: ServiceState
    status: str
    description: str | None = None
    occurred_at: datetime


class OrderState(BaseModel):
    """An order as its events have made it. Version 0 is an order to which nothing has happened yet."""

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
    """The integrations the order is tied to, in the order they were tied."""
    has_failed: bool = False
    """Whether any service ever reported an error or a failure."""
    redacted: bool = False
    """Whether what it held of its customer was erased. It stays so, whatever is told of it later."""

    @property
    def combined_state(self) -> CombinedState:
        """The order's state over all services, by the rule Dintero documents.

        failure if any report ever was an error or a failure, however the service fares since; else pending if nothing
        was reported or the newest report of some service is pending; else success.
        """
        if self.has_failed:
            return "failure"
        if not self.services or any(s.state is ServiceState.PENDING for s in self.services.values()):
            return "pending"
        return "success"

    def evolve(self, event: Event) -> None:  # noqa: C901 a table of what each type of event changes
        """Fold the next event of the order's stream."""
        # Past the model's own setter, which takes longer than the fold: a rebuild folds every event there ever was.
        state = vars(self)
        match event:
            case ServiceEventRecorded():
                self.services[event.service] = ServiceStatus.model_construct(
                    state=event.state,
                    status=event.service_status,
                    description=event.description,
                    occurred_at=event.timestamp,
                )
                state["has_failed"] = self.has_failed or event.state in _FAILED
            case StatusUpdated():
                state["status"] = event.status
            case PaymentStatusUpdated():
                state["payment_status"] = event.status
            case DeliveryStatusUpdated():
                state["delivery_status"] = event.status
            case Created():
                state["created_by"], state["reference"] = event.created_by, event.reference
                state["customer"], state["totals"] = event.customer, event.totals
            case Edited() | SplitChanges():
                state["totals"] = totals_after(event)
            case Transferred():
                state["customer"] = event.new_customer
            case Split():
                self.children.append(event.child_order_id)
            case SplitFrom():
                state["parent"] = event.parent_order_id
            case IntegrationTied() | IntegrationUntied():
                state["integrations"] = _ties_after(event, self.integrations)
            case Redacted():
                state["redacted"] = True
        if self.redacted:
            state["customer"] = None
        state["version"] = event.originator_version
        state["created_at"] = self.created_at or event.timestamp
        # Producers report late and out of order; whoever asks for what was updated since must not miss it.
        state["updated_at"] = max(self.updated_at or event.timestamp, event.timestamp)


def totals_before(event: Edited | SplitChanges) -> Totals:
    """What the order amounted to before its lines changed."""
    return Totals(total=event.total.before, subtotal=event.subtotal.before, discount=event.discount.before)


def totals_after(event: Edited | SplitChanges) -> Totals:
    """What the order amounts to after its lines changed."""
    return Totals(total=event.total.after, subtotal=event.subtotal.after, discount=event.discount.after)


def changes(before: Totals, after: Totals) -> dict[str, Change[Money]]:
    """The three pairs of an edit or a split."""
    return {
        "total": Change(before=before.total, after=after.total),
        "subtotal": Change(before=before.subtotal, after=after.subtotal),
        "discount": Change(before=before.discount, after=after.discount),
    }


def _ties_after(event: IntegrationTied | IntegrationUntied, before: list[int]) -> list[int]:
    """Return the integrations the order is tied to after an event."""
    others = [one for one in before if one != event.integration_id]
    if isinstance(event, IntegrationUntied):
        return others
    return before if event.integration_id in before else [*before, event.integration_id]
