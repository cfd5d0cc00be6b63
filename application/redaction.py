"""Redaction: what the events of a redacted order show in place of its customer's personal data."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel
from pydantic_core import to_json

from application.codec import decode, encode
from application.ledger import RecordedEvent
from application.projections.action_log import ActionLogRow
from application.projections.service_events import ServiceEventRow
from domain.values import OF_ORDER

B = TypeVar("B", bound=BaseModel)

REDACTED = "[redacted]"
REDACTED_OBJECT = {"redacted": REDACTED}


def redacted(value: B) -> B:
    """Return an event, or a value of one, without the personal data of its order's customer."""
    return value.model_copy(update=_hidden_fields(value))


def redacted_event(recorded: RecordedEvent) -> RecordedEvent:
    """Return an event of our catalogue as the ledger would have it if there were no personal data of the customer."""
    shown = encode(redacted(decode(recorded)))
    return recorded._replace(data=shown.data, metadata=shown.metadata)


def redacted_action(row: ActionLogRow) -> ActionLogRow:
    """Return a row of the action log without personal data of the customer."""
    action = redacted(row.action)
    return row._replace(data=encode(action).data, schema_version=action.class_version)


def redacted_report(row: ServiceEventRow) -> ServiceEventRow:
    """Return a row of the service events without personal data of the customer."""
    return row._replace(metadata=row.metadata and to_json(REDACTED_OBJECT))


def _hidden_fields(value: BaseModel) -> dict[str, Any]:
    """Return what hides the marked fields of a value, and those of the values within it."""
    hidden: dict[str, Any] = {}
    for name, field in type(value).model_fields.items():
        given = getattr(value, name)
        if OF_ORDER in field.metadata:
            hidden[name] = _placeholder(given)
        elif isinstance(given, BaseModel):
            hidden[name] = redacted(given)
    return hidden


def _placeholder(given: Any) -> Any:
    """Return what is shown in a value's place; of an object only that it was one. What says nothing stays."""
    if not given:
        return given
    return REDACTED_OBJECT if isinstance(given, Mapping) else REDACTED
