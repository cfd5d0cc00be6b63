"""The models of native requests about an order's past, and of their answers."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field

from api.http.problems import Fault, InvalidRequest
from api.native.models import OrderBody, Strict
from application.views.history import Clock
from domain.values import MAX_BIGINT, Actor, Moment


class PastQuery(Strict):
    """Which past of an order; its present state, if nothing is given."""

    version: int | None = Field(None, ge=0, le=MAX_BIGINT, description="As this version made it")
    at: Moment | None = Field(None, description="As the events made it that had been recorded by then")
    clock: Clock | None = Field(None, description="With `at`: `occurred` takes the events that had occurred by then")

    def is_past(self) -> bool:
        """Whether a past is asked for. Raises InvalidRequest if it is not clear which."""
        if self.version is not None and self.at is not None:
            raise InvalidRequest(Fault(("query", "at"), "cannot be given together with version", "ambiguous"))
        if self.clock is not None and self.at is None:
            raise InvalidRequest(Fault(("query", "clock"), "is the clock of at, which is missing", "missing"))
        return self.version is not None or self.at is not None


class DiffQuery(Strict):
    """The two versions to compare."""

    from_: int = Field(0, alias="from", ge=0, le=MAX_BIGINT, description="0: before there was anything of the order")
    to: int | None = Field(None, ge=0, le=MAX_BIGINT, description="The newest, if it is left out")

    def require_order(self) -> None:
        """Raise InvalidRequest unless from comes before to."""
        if self.to is not None and self.to < self.from_:
            raise InvalidRequest(Fault(("query", "to"), "comes before from", "order"))


class MadeBy(BaseModel):
    """The event that made a change: where it stands, its actor, and its time."""

    version: int
    position: int
    event_id: str
    type: str
    actor: Actor
    occurred_at: datetime
    recorded_at: datetime


class UnreadEvent(BaseModel):
    """An event of the order that cannot be read, or only in part. Its changes are not known."""

    version: int
    position: int
    event_id: str
    type: str
    unreadable: str = Field(description="What cannot be read, and why")


UnreadEvents = Annotated[
    list[UnreadEvent] | None, Field(description="Of a past: only there if some of its events cannot be read.")
]


class OneOrder(OrderBody):
    """An order's state, at present or in the past."""

    as_of: MadeBy | None = Field(None, description="Of a past: the last event that it was made by and can be read.")
    unreadable_events: UnreadEvents = None


class FieldChange(MadeBy):
    """A field that differs, and the last event that changed it."""

    field: str = Field(description="A JSON pointer into the order", examples=["/totals/total/cents"])
    before: Any
    after: Any


class Diff(BaseModel):
    """The differences between two versions of an order."""

    order_id: str
    from_: int = Field(alias="from")
    to: int
    changes: list[FieldChange]
    unreadable_events: UnreadEvents = None
