"""The installation's key, which encrypts the keys that are kept in the database."""

import secrets
from hashlib import blake2b

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.errors import Misconfigured

NONCE_BYTES = 12


class WrongInstallationKey(Misconfigured):
    """The installation key is not the one that the keys in this database are encrypted with."""


class InstallationKey:
    """Wraps other keys: encrypts them, each bound to what it is the key of."""

    def __init__(self, secret: bytes) -> None:
        self._cipher = AESGCM(secret)
        self.fingerprint = blake2b(b"installation key", key=secret, digest_size=16).digest()
        """Tells the key from others, and nothing about it."""

    def wrap(self, key: bytes, bound_to: bytes) -> bytes:
        """Return a key as it is kept."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, key, bound_to)

    def unwrap(self, wrapped: bytes, bound_to: bytes) -> bytes:
        """Return a key that is kept. Raises WrongInstallationKey, also if it was changed, or is bound to another."""
        try:
            return self._cipher.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], bound_to)
        except (InvalidTag, ValueError) as exc:  # a ValueError, if it is too short to be one
            raise WrongInstallationKey from exc
