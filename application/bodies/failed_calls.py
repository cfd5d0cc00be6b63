"""Failed calls: their large parts are kept beside the ledger, and read back together with the event."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic_core import from_json, to_json

from application.bodies.vault import Gone, SealedBodies
from application.ledger.codec import DAMAGE, in_words
from application.privacy.legible import notice
from domain.errors import InvalidEvent, UnreadableKey
from domain.events.integration import ExceptionLogged, FailedCall
from domain.personal import EXPIRED, EXPIRED_OBJECT, UNREADABLE, UNREADABLE_OBJECT
from domain.values import BodyRef, TenantName

MAX_INLINE_BYTES = 4_096
"""The largest size, in bytes of JSON, of an event's member that stays in the ledger."""
HEAD = 255
"""How many characters of base_url stay in the event, where base_url is required."""

_MEMBERS = tuple(FailedCall.model_fields)
_OUTDATED: dict[str, Any] = {"request": EXPIRED_OBJECT, "response": EXPIRED_OBJECT, "additional_data": EXPIRED}
_DAMAGED: dict[str, Any] = {
    "request": UNREADABLE_OBJECT,
    "response": UNREADABLE_OBJECT,
    "additional_data": UNREADABLE,
}
_LEFT_OUT: dict[str, Any] = {name: ExceptionLogged.model_fields[name].get_default() for name in _MEMBERS}


async def slim(bodies: SealedBodies, tenant: TenantName, event: ExceptionLogged) -> ExceptionLogged:
    """Return the event as the ledger keeps it. Its large parts are stored first, so the event is always small."""
    # Data that will expire must not be in the event, however small it is.
    limit = 0 if await bodies.may_expire(tenant) else MAX_INLINE_BYTES
    large = {name: value for name in _MEMBERS if _is_large(name, value := getattr(event, name), limit)}
    if not large:
        return event
    call = FailedCall(**large)
    body = call.__pydantic_serializer__.to_json(call, exclude_none=True)
    content = await bodies.put(tenant, event.originator_id, body)
    left = {name: event.base_url[:HEAD] if name == "base_url" else _LEFT_OUT[name] for name in large}
    return event.model_copy(update={**left, "content": content})


class Whole(NamedTuple):
    """A failed call as it was reported. unreadable says why its large parts cannot be read; None if they can be."""

    event: ExceptionLogged
    unreadable: str | None = None


async def whole(bodies: SealedBodies, tenant: TenantName, event: ExceptionLogged) -> Whole:
    """Return the event as it was reported.

    Its large parts are left out if they were erased or have expired. If they were changed, [unreadable] takes their
    place.
    """
    if event.content is None:
        return Whole(event)
    try:
        call, why = await _call(bodies, tenant, event, event.content), None
    except (InvalidEvent, UnreadableKey, *DAMAGE) as damage:
        why = f"what was said in the call: {in_words(damage)}"
        notice(tenant, f"what was said in call {event.event_id}", damage)
        call = _where_left_out(event, _DAMAGED)
    return Whole(event.model_copy(update={**call, "content": None}), why)


async def _call(bodies: SealedBodies, tenant: TenantName, event: ExceptionLogged, content: BodyRef) -> dict[str, Any]:
    """Return the members that were kept beside the event, or their replacements."""
    body = await bodies.get(tenant, event.originator_id, content.digest)
    match body:
        case Gone.EXPIRED:
            return _where_left_out(event, _OUTDATED)
        case Gone.FORGOTTEN | Gone.MISSING:
            return {}
        case _:
            return {name: value for name, value in from_json(body).items() if name in _MEMBERS}


def _where_left_out(event: ExceptionLogged, instead: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in instead.items() if getattr(event, name) == _LEFT_OUT[name]}


def _is_large(name: str, value: Any, limit: int) -> bool:
    return value != _LEFT_OUT[name] and len(to_json(value)) > limit
