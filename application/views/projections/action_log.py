"""The action log: what people and programs did to each order."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from pydantic_core import from_json

from application.ledger.codec import schema_version_of
from application.ledger.fields import stored
from application.privacy.documents import is_sealed
from application.privacy.parts import OpenedPart, SealedPart
from application.views.projections.entries import Entry
from application.views.projections.projection import log
from application.views.projections.view import Encrypted, Json, RowOpening, View
from domain.events.catalogue import ORDER_ACTIONS
from domain.events.order_event import OrderEvent
from domain.streams import order_id_of, order_stream
from domain.values import Actor


class ActionLogRow(NamedTuple):
    """One action. data is the event's own fields as JSON, in the schema version in which they were stored.

    sealed_in is the id of the event to which its personal data is bound; None if nothing in it is encrypted.
    """

    order_id: str
    position: int
    occurred_at: datetime
    type: str
    schema_version: int
    data: Encrypted[Json]
    actor_id: str
    actor_name: Encrypted[str]
    actor_type: str
    application_id: str | None
    sealed_in: str | None

    def opening(self) -> RowOpening:
        """Return how its data and the actor's name are opened."""
        actor = {"id": self.actor_id, "name": self.actor_name, "type": self.actor_type}
        part = SealedPart(self.type, order_stream(self.order_id), self.sealed_in, self.position, self.data, actor)
        return RowOpening([part], self._shown)

    def _shown(self, parts: Sequence[OpenedPart]) -> "ActionLogRow":
        [part] = parts
        return self._replace(data=part.json, actor_name=part.actor["name"])

    @property
    def action(self) -> OrderEvent:
        """The action as an event of the present schema. This view holds neither its event id nor its version."""
        event_class = _ACTIONS[self.type]
        actor = {
            "id": self.actor_id,
            "name": self.actor_name,
            "type": self.actor_type,
            "application_id": self.application_id,
        }
        return stored(event_class).load(
            event_class.upcast(from_json(self.data), self.schema_version),
            originator_id=order_stream(self.order_id),
            timestamp=self.occurred_at,
            actor=stored(Actor).load(actor),
        )


ACTION_LOG_VIEW = View("action_log", ActionLogRow, key=("order_id", "position"))


def _row(entry: Entry) -> ActionLogRow:
    recorded, actor = entry.recorded, entry.actor
    _ = entry.fields  # raises if the action cannot be read, so that the view stops although it only copies
    return ActionLogRow(
        order_id=order_id_of(recorded.stream),
        position=recorded.position,
        occurred_at=recorded.occurred_at,
        type=recorded.type,
        schema_version=schema_version_of(entry.metadata),
        data=recorded.data,
        actor_id=actor.get("id", ""),
        actor_name=actor.get("name", ""),
        actor_type=actor.get("type", ""),
        application_id=actor.get("application_id"),
        sealed_in=recorded.event_id if is_sealed(recorded) else None,
    )


_ACTIONS = {action.topic: action for action in ORDER_ACTIONS}

ACTION_LOG = log(ACTION_LOG_VIEW.name, frozenset(_ACTIONS), _row)
