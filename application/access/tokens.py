"""The contents of tokens: of signed tokens, and of a credential in one piece."""

from typing import NamedTuple, Protocol

TOKEN_PREFIX = "ot_"  # noqa: S105 what a credential in one piece begins with, not one
FINGERPRINT_BYTES = 8


class Claims(NamedTuple):
    """The contents of a signed token: its owner, its end (seconds since 1970), and its audience.

    It was issued for the secret with this fingerprint, and ends with it. No two tokens have the same id.
    """

    key_id: str
    scopes: tuple[str, ...]
    expires_at: int
    audience: str | None
    fingerprint: str
    id: str = ""


class TokenSigner(Protocol):
    """Signs and reads tokens."""

    def sign(self, claims: Claims) -> str:
        """Return the claims as a signed token."""

    def read(self, token: str) -> Claims:
        """Return a token's claims. Raises Unauthenticated if it is not ours, or is no longer valid."""

    def digest(self, secret: str) -> bytes:
        """Return the digest as which a secret is stored."""


def fingerprint_of(digest: bytes) -> str:
    """Return the name of a secret within tokens. It reveals nothing, because secrets are 256 random bits."""
    return digest[:FINGERPRINT_BYTES].hex()
