"""Sendcloud's exception logs to domain events, and back."""

from datetime import UTC
from typing import Any

from pydantic import BaseModel

from api.dialects.sendcloud.models import NewLog
from api.dialects.sendcloud.times import instant
from application.access import Caller
from application.integrations import stream_of
from application.masking import masked
from domain.events.integration import ExceptionLogged


def event_of(integration_id: int, body: NewLog, caller: Caller) -> ExceptionLogged:
    """Return the fact that a call failed, without the secrets in its headers."""
    response, is_response_masked = _without_secrets(body.response)
    request, is_request_masked = _without_secrets(body.request)
    envelope = {} if body.created_at is None else {"timestamp": instant(body.created_at)}
    return ExceptionLogged(
        originator_id=stream_of(integration_id),
        actor=caller.actor,
        base_url=body.base_url,
        full_url=body.full_url,
        method=body.method,
        response_code=body.response_code,
        response=response,
        request=request,
        created_at=body.created_at,
        exception_type=body.exception_type,
        exception=body.exception,
        is_masked=is_response_masked or is_request_masked,
        **envelope,
    )


def _without_secrets(part: BaseModel | None) -> tuple[dict[str, Any] | None, bool]:
    """Return a request or a response as it was sent, with its secret headers masked, and whether it had any."""
    if part is None:
        return None, False
    members = part.model_dump(exclude_unset=True)
    if "headers" not in members:
        return members, False
    headers = masked(members["headers"])
    return {**members, "headers": headers}, headers != members["headers"]


def log(position: int, event: ExceptionLogged) -> dict[str, Any]:
    """Return an exception log in Sendcloud's words."""
    return {
        "id": position,
        "integration_id": event.integration_id,
        "base_url": event.base_url,
        "full_url": event.full_url,
        "method": event.method or "",
        "response_code": event.response_code,
        "response": event.response,
        "request": event.request,
        "created_at": event.created_at or event.timestamp.astimezone(UTC).isoformat(),
        "exception_type": event.exception_type,
        "exception": event.exception,
        "protected": event.is_masked,
        "additional_data": event.additional_data,
    }
