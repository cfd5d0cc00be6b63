"""Checking webhooks: messages signed as Standard Webhooks say, with the shared secret (v1)."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

TOLERANCE_SECONDS = 300


class InvalidSignature(Exception):
    """The message is not from who should have sent it, was changed, or is too old."""


def verify(secret: str, headers: Mapping[str, str], body: bytes, *, now: float | None = None) -> dict[str, Any]:
    """Return the message of a webhook, once it is certain that who has the secret (whsec_…) signed it of late.

    Raises InvalidSignature. Remember the header webhook-id: the same event is sent again with the same.
    """
    given = {name.lower(): value for name, value in headers.items()}
    try:
        id_, sent_at, signatures = (given[f"webhook-{name}"] for name in ("id", "timestamp", "signature"))
        age = abs((time.time() if now is None else now) - int(sent_at))
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (KeyError, ValueError) as exc:
        raise InvalidSignature("The headers of a signature are missing, or the secret is none") from exc
    if age > TOLERANCE_SECONDS:
        raise InvalidSignature("The message was signed too long ago, or too far ahead")
    signed = b"%b.%b.%b" % (id_.encode(), sent_at.encode(), body)
    expected = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    versions = (part.partition(",") for part in signatures.split())
    if not any(version == "v1" and hmac.compare_digest(found, expected) for version, _, found in versions):
        raise InvalidSignature("No signature fits the message")
    message: dict[str, Any] = json.loads(body)
    return message
