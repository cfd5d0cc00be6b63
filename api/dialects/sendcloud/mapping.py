"""Translates Sendcloud's exception logs and integrations to domain events and views, and back."""

from datetime import UTC, datetime
from operator import itemgetter
from typing import Any

from pydantic_core import from_json

from api.dialects.sendcloud.models import NewLog
from api.dialects.sendcloud.times import instant, legible
from application.access.callers import Caller
from application.bodies.masking import SECRET_HEADERS, masked_event
from application.views.projections.integrations import IntegrationRow
from domain.events.integration import ExceptionLogged
from domain.streams import integration_stream


def event_of(
    integration_id: int, body: NewLog, caller: Caller, secret: frozenset[str] = SECRET_HEADERS
) -> ExceptionLogged:
    """Return the event about a failed call, without the secrets in its headers and its addresses."""
    envelope = {} if body.created_at is None else {"timestamp": instant(body.created_at)}
    event = ExceptionLogged(
        originator_id=integration_stream(integration_id),
        actor=caller.actor,
        base_url=body.base_url,
        full_url=body.full_url,
        method=body.method,
        response_code=body.response_code,
        response=body.response and body.response.model_dump(exclude_unset=True),
        request=body.request and body.request.model_dump(exclude_unset=True),
        created_at=legible(body.created_at),
        exception_type=body.exception_type,
        exception=body.exception,
        **envelope,
    )
    return masked_event(event, secret)


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


FEEDBACK_TYPES = ("eager", "delayed", "none")
_DEFAULT_ORDER = ("last_fetched_at", "created_at")
_SORTED_BY = {
    # The names of the vendor's second version, which its third still accepts, and the names of its third.
    "integration_type": "type",
    "last_fetch": "last_fetched_at",
    "failing_since": "started_failing_at",
    **{name: name for name in ("type", "last_fetched_at", "started_failing_at", "created_at", "updated_at")},
}


MAX_SHOP_NAME = 250
"""The largest number of characters of a name in the vendor's schema."""


def integration(row: IntegrationRow) -> dict[str, Any]:
    """Return an integration in Sendcloud's words. Missing values are shown as if they were switched off.

    In the vendor's schema, shop_url is a text or is missing.
    """
    told = from_json(row.details)
    details = told if isinstance(told, dict) else {}  # it is a list only if somebody changed the row
    shop_url = {"shop_url": row.shop_url} if row.shop_url else {}
    carriers, feedback = details.get("service_point_carriers"), details.get("feedback_type")
    return {
        "id": row.integration_id,
        "shop_name": (row.shop_name or f"Integration #{row.integration_id}")[:MAX_SHOP_NAME],
        **shop_url,
        "type": _text(details.get("type")) or "api",
        "started_failing_at": row.started_failing_at,
        "last_fetched_at": _moment(details.get("last_fetched_at")),
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "service_point_enabled": details.get("service_point_enabled") is True,
        "service_point_carriers": [c for c in carriers if isinstance(c, str)] if isinstance(carriers, list) else [],
        "webhook_active": details.get("webhook_active") is True,
        "webhook_url": _text(details.get("webhook_url")),
        "feedback_type": feedback if feedback in FEEDBACK_TYPES else "none",
    }


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _moment(value: Any) -> datetime | None:
    try:
        return instant(value) if isinstance(value, str) else None
    except ValueError:
        return None


def in_order(integrations: list[dict[str, Any]], sort: str) -> list[dict[str, Any]]:
    """Return integrations in the requested order. Those without a value come last; equal ones are sorted by id."""
    name = _SORTED_BY.get(sort.removeprefix("-"))
    is_descending = name is not None and sort.startswith("-")
    for key in reversed((name,) if name else _DEFAULT_ORDER):
        present = [i for i in integrations if i[key] is not None]
        missing = [i for i in integrations if i[key] is None]
        integrations = [*sorted(present, key=itemgetter(key), reverse=is_descending), *missing]
    return integrations
