"""The readable parts of events. Some events may have been changed in the database after they were recorded."""

import logging
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol, TypeVar

from pydantic_core import from_json

from application.ledger.codec import DAMAGE, fits, in_words, what_does_not_fit
from application.ledger.port import WHY_UNREADABLE, RecordedEvent
from application.privacy.notices import Noticed
from domain.errors import InvalidEvent, OrdertrailError
from domain.events.catalogue import is_ours
from domain.values import TenantName

_log = logging.getLogger(__name__)
_noticed = Noticed()


class Legible(NamedTuple):
    """The readable part of an opened event, as JSON. unreadable says why a part is missing; None if all can be read.

    data is None if it is not a JSON object, or if we cannot know which of it may be shown.
    """

    data: dict[str, Any] | None
    metadata: Mapping[str, Any]
    unreadable: str | None


class Positioned(Protocol):
    """An event, or a row of a view about one."""

    @property
    def position(self) -> int: ...


E = TypeVar("E", bound=Positioned)
T = TypeVar("T")


def legible(event: RecordedEvent) -> Legible:
    """Return the readable part of an event of ours. [unreadable] stands for everything that could not be opened."""
    try:
        metadata = from_json(event.metadata, allow_inf_nan=False)
        data = from_json(event.data, allow_inf_nan=False)
        if fits(event.type, data, metadata):  # nearly every event does
            return Legible(data, metadata, metadata.get(WHY_UNREADABLE))
    except DAMAGE:
        pass
    return _part_of(event)


def _part_of(event: RecordedEvent) -> Legible:
    """Return the readable part of an event that does not fit its type."""
    metadata, data = _json_object(event.metadata), _json_object(event.data)
    if metadata is None or not isinstance(metadata.get("actor", {}), dict):
        # The metadata says which of the data is encrypted, and whose data it is.
        return Legible(None, {}, "its metadata is not that of an event")
    if data is None:
        return Legible(None, metadata, "its data is not a JSON object")
    return Legible(data, metadata, metadata.get(WHY_UNREADABLE) or what_does_not_fit(event.type, data, metadata))


def legibly(
    tenant: TenantName, show: Callable[[E], T], *, instead: Callable[[E], T | None] | None = None
) -> Callable[[E], T | None]:
    """Return a function that shows an entry. If that fails, it logs the error and shows instead(entry), or None."""

    def shown_or_instead(entry: E) -> T | None:
        try:
            return show(entry)
        except (InvalidEvent, *DAMAGE) as damage:
            notice(tenant, f"event {entry.position}", damage)
            return instead(entry) if instead else None

    return shown_or_instead


def notice(tenant: TenantName, what: str, damage: Exception) -> None:
    """Log, once, that something of a tenant cannot be read."""
    if _noticed.is_new((tenant, what)):
        # The traceback of an error about a value may contain the value.
        cause = None if isinstance(damage, (OrdertrailError, ValueError)) else damage
        _log.error("Tenant %s: %s cannot be read: %s", tenant, what, in_words(damage), exc_info=cause)


def why_unreadable(event: RecordedEvent) -> str | None:
    """Return why an event, or a part of it, cannot be read; None if it can, or if it is another application's."""
    return legible(event).unreadable if is_ours(event.type) else None


def _json_object(text: bytes) -> dict[str, Any] | None:
    try:
        found = from_json(text, allow_inf_nan=False)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
