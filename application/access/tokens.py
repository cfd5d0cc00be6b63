"""What tokens say: those that are signed, and the credential in one piece."""

from typing import NamedTuple, Protocol

TOKEN_PREFIX = "ot_"  # noqa: S105 what a credential in one piece begins with, not one
FINGERPRINT_BYTES = 8


class Claims(NamedTuple):
    """What a signed token says: whose it is, until when (seconds since 1970), and for which audience.

    It was issued for the secret with this fingerprint, and ends with it.
    """

    key_id: str
    scopes: tuple[str, ...]
    expires_at: int
    audience: str | None
    fingerprint: str


class TokenSigner(Protocol):
    """Signs and reads tokens."""

    def sign(self, claims: Claims) -> str:
        """Return the claims as a signed token."""

    def read(self, token: str) -> Claims:
        """Return what a token says. Raises Unauthenticated if it is not ours, or no longer valid."""

    def digest(self, secret: str) -> bytes:
        """Return the digest a secret is stored as."""


def fingerprint_of(digest: bytes) -> str:
    """Return what names a secret in tokens. Whoever reads it learns nothing: secrets are 256 random bits."""
    return digest[:FINGERPRINT_BYTES].hex()
