"""What is sent to webhooks: thin, unless somebody asked for data."""

from datetime import UTC, datetime

from api.http.reading.json_text import to_json
from api.native.render import cloud_event
from application.delivery.consumers import Delivery

_CONTENT = {"data", "data_base64", "datacontenttype", "specversion", "unreadable"}
"""What a thin message leaves out of an event. What is forgotten here was not copied out then."""


def event_payload(tenant: str, delivery: Delivery, with_data: bool) -> bytes:
    """Return the body of a message about an event: its type, when it was recorded, and its place."""
    told = cloud_event(tenant, delivery.event)
    told |= {"partition": delivery.partition, "previousposition": delivery.previous}
    if not with_data:
        told = {name: value for name, value in told.items() if name not in _CONTENT}
    return to_json({"type": told["type"], "timestamp": told["recordedtime"], "data": told})


def test_payload(tenant: str) -> bytes:
    """Return the body of a test."""
    now = datetime.now(UTC)
    return to_json({"type": "ordertrail.test", "timestamp": now, "data": {"source": f"/trail/v1/ledger/{tenant}"}})
