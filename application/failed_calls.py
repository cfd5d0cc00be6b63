"""Failed calls: what is large in them is kept beside the ledger, and brought back when they are read."""

from typing import Any

from pydantic_core import from_json, to_json

from application.sealed_contents import Gone, SealedContents
from domain.events.integration import ExceptionLogged, FailedCall
from domain.values import TenantName

MAX_INLINE_BYTES = 4_096
"""How large a member of an event may be, in bytes of JSON, before it is kept beside the ledger."""
HEAD = 255
"""How many characters of a base_url stay in the event, which cannot be without one."""

_MEMBERS = tuple(FailedCall.model_fields)
_LEFT_OUT: dict[str, Any] = {name: ExceptionLogged.model_fields[name].get_default() for name in _MEMBERS}


async def slim(contents: SealedContents, tenant: TenantName, event: ExceptionLogged) -> ExceptionLogged:
    """Return the event as the ledger keeps it, small whatever was said in the call, once what is large is stored."""
    large = {name: value for name in _MEMBERS if _is_large(value := getattr(event, name))}
    if not large:
        return event
    call = FailedCall(**large)
    body = call.__pydantic_serializer__.to_json(call, exclude_none=True)
    content = await contents.put(tenant, event.originator_id, body)
    left = {name: event.base_url[:HEAD] if name == "base_url" else _LEFT_OUT[name] for name in large}
    return event.model_copy(update={**left, "content": content})


async def whole(contents: SealedContents, tenant: TenantName, event: ExceptionLogged) -> ExceptionLogged:
    """Return the event as it was told to us; without what was large in it if that has been erased."""
    if event.content is None:
        return event
    body = await contents.get(tenant, event.originator_id, event.content.digest)
    return event.model_copy(update={**({} if isinstance(body, Gone) else from_json(body)), "content": None})


def _is_large(value: Any) -> bool:
    return value is not None and len(to_json(value)) > MAX_INLINE_BYTES
