"""The installation's key. It encrypts the keys that are stored in the database."""

import secrets
from hashlib import blake2b

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.errors import Misconfigured

NONCE_BYTES = 12


class WrongInstallationKey(Misconfigured):
    """The installation key is not the one that the keys in this database are encrypted with."""


class InstallationKey:
    """Encrypts other keys; each is bound to its owner."""

    def __init__(self, secret: bytes) -> None:
        self._cipher = AESGCM(secret)
        self.fingerprint = blake2b(b"installation key", key=secret, digest_size=16).digest()
        """Tells this key from others, and reveals nothing about it."""

    def wrap(self, key: bytes, bound_to: bytes) -> bytes:
        """Return a key in its stored form."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, key, bound_to)

    def unwrap(self, wrapped: bytes, bound_to: bytes) -> bytes:
        """Return a stored key. Raises WrongInstallationKey, also if it was changed or is bound to something else."""
        try:
            return self._cipher.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], bound_to)
        except (InvalidTag, ValueError) as exc:  # a ValueError, if it is too short to be one
            raise WrongInstallationKey from exc
