"""The keys that sign checkpoints, and the names of ledgers in checkpoints."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from application.transparency.note import Signer, Verifier
from domain.values import TenantName


class SigningKey(NamedTuple):
    """An Ed25519 key of the installation. A retired key has no private half any more."""

    public_key: bytes
    private_key: bytes | None


class SigningKeyStore(Protocol):
    """Holds the installation's keys."""

    async def origin(self) -> str:
        """Return the beginning of the names of this installation's ledgers. It is made once."""

    async def signing_keys(self) -> Sequence[SigningKey]:
        """Return all present and past keys, the oldest first."""

    async def add_signing_key(self, key: SigningKey) -> None:
        """Store a key."""

    async def retire_signing_keys(self) -> int:
        """Destroy the private halves of all keys but the newest; return how many were destroyed."""


class Identity(NamedTuple):
    """A ledger's name in checkpoints, the keys that sign for it now, and the keys whose signatures are valid."""

    origin: str
    signers: tuple[Signer, ...]
    verifiers: tuple[Verifier, ...]


def new_signing_key() -> SigningKey:
    """Return a random key."""
    key = Ed25519PrivateKey.generate()
    return SigningKey(key.public_key().public_bytes_raw(), key.private_bytes_raw())


async def identity(keys: SigningKeyStore, tenant: TenantName) -> Identity:
    """Return the identity of a tenant's ledger."""
    return identity_of(await keys.origin(), await keys.signing_keys(), tenant)


def identity_of(installation: str, known: Sequence[SigningKey], tenant: TenantName) -> Identity:
    """Return the identity of a tenant's ledger. installation is the beginning of its name, known are the installation's
    keys.
    """
    origin = f"{installation}/{tenant}"
    return Identity(
        origin,
        tuple(Signer(origin, key.private_key) for key in known if key.private_key is not None),
        tuple(Verifier(origin, key.public_key) for key in known),
    )
