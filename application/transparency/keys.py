"""The keys that checkpoints are signed with, and the names that ledgers have in them."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from application.transparency.note import Signer, Verifier
from domain.values import TenantName


class SigningKey(NamedTuple):
    """An Ed25519 key of the installation; a retired one has no private half any more."""

    public_key: bytes
    private_key: bytes | None


class SigningKeyStore(Protocol):
    """Where the installation's keys are kept."""

    async def origin(self) -> str:
        """Return what the names of this installation's ledgers begin with; made once."""

    async def signing_keys(self) -> Sequence[SigningKey]:
        """Return all keys there ever were, the oldest first."""

    async def add_signing_key(self, key: SigningKey) -> None:
        """Keep a key."""

    async def retire_signing_keys(self) -> int:
        """Destroy the private halves of all keys but the newest; return how many that were."""


class Identity(NamedTuple):
    """What a ledger is called in checkpoints, who signs for it now, and whose signatures are to be believed."""

    origin: str
    signers: tuple[Signer, ...]
    verifiers: tuple[Verifier, ...]


def new_signing_key() -> SigningKey:
    """Return a key at random."""
    key = Ed25519PrivateKey.generate()
    return SigningKey(key.public_key().public_bytes_raw(), key.private_bytes_raw())


async def identity(keys: SigningKeyStore, tenant: TenantName) -> Identity:
    """Return who a tenant's ledger is."""
    return identity_of(await keys.origin(), await keys.signing_keys(), tenant)


def identity_of(installation: str, known: Sequence[SigningKey], tenant: TenantName) -> Identity:
    """Return who a tenant's ledger is by these keys, and by what the names of an installation's ledgers begin with."""
    origin = f"{installation}/{tenant}"
    return Identity(
        origin,
        tuple(Signer(origin, key.private_key) for key in known if key.private_key is not None),
        tuple(Verifier(origin, key.public_key) for key in known),
    )
