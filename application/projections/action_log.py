"""The action log: what people and programs did to each order."""

from datetime import datetime
from typing import NamedTuple

from pydantic_core import from_json

from application.encryption import is_sealed
from application.projections.entries import Entry
from application.projections.projection import log
from application.stored import stored
from domain.events.catalogue import ORDER_ACTIONS
from domain.events.order_event import OrderEvent
from domain.order import stream_of
from domain.values import Actor


class ActionLogRow(NamedTuple):
    """One action; data is the event's own fields as JSON, in the version of their schema they were stored in.

    sealed_in is the event's id, to which its personal data is bound; None if nothing in it is encrypted.
    """

    order_id: str
    position: int
    occurred_at: datetime
    type: str
    schema_version: int
    data: bytes
    actor_id: str
    actor_name: str
    actor_type: str
    application_id: str | None
    sealed_in: str | None

    @property
    def action(self) -> OrderEvent:
        """What was done, brought to the present schema. Its event id and its version are not in this view."""
        event_class = _ACTIONS[self.type]
        actor = {
            "id": self.actor_id,
            "name": self.actor_name,
            "type": self.actor_type,
            "application_id": self.application_id,
        }
        return stored(event_class).load(
            event_class.upcast(from_json(self.data), self.schema_version),
            originator_id=stream_of(self.order_id),
            timestamp=self.occurred_at,
            actor=stored(Actor).load(actor),
        )


def _row(entry: Entry) -> ActionLogRow:
    actor, event = entry.event.actor, entry.event
    return ActionLogRow(
        order_id=event.originator_id.removeprefix("order-"),
        position=entry.position,
        occurred_at=event.timestamp,
        type=event.topic,
        schema_version=entry.envelope.schema_version,
        data=entry.recorded.data,
        actor_id=actor.id,
        actor_name=actor.name,
        actor_type=actor.type,
        application_id=actor.application_id,
        sealed_in=event.event_id if is_sealed(entry.recorded) else None,
    )


_ACTIONS = {action.topic: action for action in ORDER_ACTIONS}

ACTION_LOG = log("action_log", frozenset(_ACTIONS), _row)
