"""Parts of events as views keep them. What is encrypted in them is opened as a part of the event that reported it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic_core import from_json, to_json

from application.ledger.port import WHY_UNREADABLE
from application.privacy.cipher import MARK, is_token
from application.privacy.documents import Document, shape_of_type
from domain.values import TenantName

_UNKNOWN = "none"
"""The event of an encrypted value whose event is not known. No event has this id, so the value does not open."""


class SealedPart(NamedTuple):
    """Some members of one event's data, as JSON or as its values, and of the event's actor.

    event_id is the event in which its personal data is encrypted; None if it is not encrypted. The event is at this
    position or behind it.
    """

    type: str
    stream: str
    event_id: str | None
    position: int
    data: dict[str, Any] | bytes
    actor: Mapping[str, Any] = {}


class OpenedPart(NamedTuple):
    """A part as it may be shown. unreadable says which of its values cannot be opened, and why; None if all can be.
    hidden has the paths of those, and of those that were erased."""

    data: dict[str, Any] | bytes
    actor: Mapping[str, Any]
    unreadable: str | None = None
    hidden: frozenset[str] = frozenset()

    @property
    def json(self) -> bytes:
        """The data as JSON."""
        return self.data if isinstance(self.data, bytes) else to_json(self.data)

    @property
    def values(self) -> dict[str, Any]:
        """The data of a part whose data was given as its values."""
        assert not isinstance(self.data, bytes)
        return self.data


def event_of(event_id: Any, *values: Any) -> str | None:
    """Return the event that values are encrypted in; None if none of them is encrypted.

    event_id is what a row says. If it says nothing, encrypted values open in no event.
    """
    if event_id and isinstance(event_id, str):
        return event_id
    return _UNKNOWN if any(map(is_token, values)) else None


def document_of_part(tenant: TenantName, part: SealedPart) -> Document | None:
    """Return a part's personal data in its JSON; None if there is none, or if its data is no JSON object."""
    shape = shape_of_type(part.type)
    if shape is None:
        return None
    metadata = {"actor": part.actor, **({MARK: 1} if part.event_id else {})}
    try:
        data = part.data
        if isinstance(data, bytes):
            data = from_json(data) if shape else data
        found = Document(tenant, part.stream, part.event_id or "", data, metadata, shape)
    except (AttributeError, TypeError, ValueError):
        return None  # somebody has changed the row
    return found if found.is_personal else None


def opened_part(part: SealedPart, found: Document | None) -> OpenedPart:
    """Return a part with what was opened in its document."""
    if found is None:
        return OpenedPart(part.data, part.actor)
    return OpenedPart(found.data, found.metadata["actor"], found.metadata.get(WHY_UNREADABLE), found.hidden)
