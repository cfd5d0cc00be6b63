"""Signs messages as Standard Webhooks say: v1 with a shared secret, v1a with a key whose public half may be known."""

import secrets
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from standardwebhooks import Webhook

from application.delivery.webhooks.port import SigningSecret

SECRET_BYTES = 32


def new_secret() -> SigningSecret:
    """Return a secret by chance."""
    return SigningSecret(secrets.token_bytes(SECRET_BYTES), secrets.token_bytes(SECRET_BYTES))


def shown_secret(secret: SigningSecret) -> str:
    """Return the shared secret in the form that libraries of Standard Webhooks take."""
    return f"whsec_{b64encode(secret.shared).decode()}"


def shown_public_key(secret: SigningSecret) -> str:
    """Return the public key in the form of Standard Webhooks."""
    public = Ed25519PrivateKey.from_private_bytes(secret.seed).public_key()
    return f"whpk_{b64encode(public.public_bytes_raw()).decode()}"


def signed_headers(
    message_id: str, body: bytes, signing: Sequence[SigningSecret], *, now: datetime | None = None
) -> Mapping[str, str]:
    """Return the headers that identify a message and sign it with each secret, the present one first."""
    moment = (now or datetime.now(UTC)).replace(microsecond=0)
    signatures = [signature for secret in signing for signature in _signatures(secret, message_id, moment, body)]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def _signatures(secret: SigningSecret, message_id: str, moment: datetime, body: bytes) -> tuple[str, str]:
    content = f"{message_id}.{int(moment.timestamp())}.".encode() + body
    asymmetric = Ed25519PrivateKey.from_private_bytes(secret.seed).sign(content)
    return Webhook(secret.shared).sign(message_id, moment, body.decode()), f"v1a,{b64encode(asymmetric).decode()}"
