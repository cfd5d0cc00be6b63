"""Failed calls: what is large in them is kept beside the ledger, and brought back when they are read."""

from typing import Any

from pydantic_core import from_json, to_json

from application.personal import EXPIRED, EXPIRED_OBJECT
from application.sealed_contents import Gone, SealedContents
from domain.events.integration import ExceptionLogged, FailedCall
from domain.values import TenantName

MAX_INLINE_BYTES = 4_096
"""How large a member of an event may be, in bytes of JSON, before it is kept beside the ledger."""
HEAD = 255
"""How many characters of a base_url stay in the event, which cannot be without one."""

_MEMBERS = tuple(FailedCall.model_fields)
_OUTDATED: dict[str, Any] = {"request": EXPIRED_OBJECT, "response": EXPIRED_OBJECT, "additional_data": EXPIRED}
_LEFT_OUT: dict[str, Any] = {name: ExceptionLogged.model_fields[name].get_default() for name in _MEMBERS}


async def slim(contents: SealedContents, tenant: TenantName, event: ExceptionLogged) -> ExceptionLogged:
    """Return the event as the ledger keeps it, small whatever was said in the call, once what is large is stored."""
    # What is to expire must not be in the event, however small it is.
    limit = 0 if await contents.may_expire(tenant) else MAX_INLINE_BYTES
    large = {name: value for name in _MEMBERS if _is_large(name, value := getattr(event, name), limit)}
    if not large:
        return event
    call = FailedCall(**large)
    body = call.__pydantic_serializer__.to_json(call, exclude_none=True)
    content = await contents.put(tenant, event.originator_id, body)
    left = {name: event.base_url[:HEAD] if name == "base_url" else _LEFT_OUT[name] for name in large}
    return event.model_copy(update={**left, "content": content})


async def whole(contents: SealedContents, tenant: TenantName, event: ExceptionLogged) -> ExceptionLogged:
    """Return the event as it was told to us; without what was large in it if that has been erased or has expired."""
    if event.content is None:
        return event
    body = await contents.get(tenant, event.originator_id, event.content.digest)
    match body:
        case Gone.EXPIRED:
            call = {name: value for name, value in _OUTDATED.items() if getattr(event, name) == _LEFT_OUT[name]}
        case Gone.FORGOTTEN | Gone.MISSING:
            call = {}
        case _:
            call = from_json(body)
    return event.model_copy(update={**call, "content": None})


def _is_large(name: str, value: Any, limit: int) -> bool:
    return value != _LEFT_OUT[name] and len(to_json(value)) > limit
