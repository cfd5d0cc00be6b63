"""The things that an installation has one of: its name, its secrets, and its first signing key.

The database's owner makes them when the database is set up. The service only reads them.
"""

from contextlib import suppress
from typing import NamedTuple

from domain.errors import Misconfigured
from infrastructure.keys.installation_key import InstallationKey, WrongInstallationKey
from infrastructure.postgres.database import Pool, reading
from infrastructure.postgres.statements import statements

_SQL = statements("installation")

ORIGIN = "origin"
TOKEN_KEY = "token key"  # noqa: S105 the name of the key, not the key
FINGERPRINT_KEY = "fingerprint key"
INSTALLATION_KEY = "installation key"
FINGERPRINT = f"{INSTALLATION_KEY} fingerprint"


class NotSetUp(Misconfigured):
    """The database lacks a value that every installation has."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"The database holds no {what}; run ordertrail migrate as its owner, with the server's settings"
        )


def installation_key(secret: bytes, fingerprint: bytes) -> InstallationKey:
    """Return the key that other keys are encrypted with. Raises WrongInstallationKey if its fingerprint is another."""
    key = InstallationKey(secret)
    if key.fingerprint != fingerprint:
        raise WrongInstallationKey
    return key


class InstallationFacts(NamedTuple):
    """What may be told of an installation: a name that no other has, and whether its key is in the database."""

    origin: str
    keeps_its_key: bool


class PostgresInstallation:
    """Reads the installation's values."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def key(self, given: bytes | None) -> InstallationKey:
        """Return the key that encrypts other keys: the given one, or the stored one.

        Raises NotSetUp, WrongInstallationKey.
        """
        kept = await self.value(INSTALLATION_KEY) if given is None else b""
        return installation_key(given or kept, await self.value(FINGERPRINT))

    async def facts(self) -> InstallationFacts:
        """Return what may be told of it. Raises NotSetUp."""
        origin = await self.value(ORIGIN)
        with suppress(NotSetUp):
            await self.value(INSTALLATION_KEY)
            return InstallationFacts(origin.hex()[:16], keeps_its_key=True)
        return InstallationFacts(origin.hex()[:16], keeps_its_key=False)

    async def secret(self, name: str, key: InstallationKey) -> bytes:
        """Return a secret, which is stored encrypted. Raises NotSetUp, WrongInstallationKey."""
        return key.unwrap(await self.value(name), name.encode())

    async def value(self, name: str) -> bytes:
        """Return the value with this name. Raises NotSetUp."""
        async with reading(self._pool) as connection:
            row = await (await connection.execute(_SQL["value"], {"name": name})).fetchone()
        if row is None:
            raise NotSetUp(name)
        return bytes(row[0])
