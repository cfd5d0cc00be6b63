"""The keys that checkpoints are signed with, in PostgreSQL, encrypted with the installation's key."""

from collections.abc import Sequence

from application.transparency.keys import SigningKey
from infrastructure.credentials import PostgresCredentialStore
from infrastructure.database import Pool, reading
from infrastructure.installation_key import InstallationKey
from infrastructure.statements import statements

_SQL = statements("signing_keys")
_ORIGIN = "origin"


class PostgresSigningKeys:
    """Implements application.transparency.keys.SigningKeyStore."""

    def __init__(self, pool: Pool, credentials: PostgresCredentialStore, installation: InstallationKey) -> None:
        self._pool = pool
        self._credentials = credentials
        self._installation = installation
        self._origin: str | None = None

    async def origin(self) -> str:
        # It never changes, and whatever is sealed or proven asks for it.
        if self._origin is None:
            self._origin = f"ordertrail/{(await self._credentials.installation_value(_ORIGIN))[:8].hex()}"
        return self._origin

    async def signing_keys(self) -> Sequence[SigningKey]:
        async with reading(self._pool) as connection:
            rows = await (await connection.execute(_SQL["signing_keys"])).fetchall()
        return [self._unwrapped(*row) for row in rows]

    async def add_signing_key(self, key: SigningKey, *, if_first: bool = False) -> None:
        statement = _SQL["add_first_signing_key" if if_first else "add_signing_key"]
        async with reading(self._pool) as connection:
            await connection.execute(statement, self._wrapped(key)._asdict())

    async def retire_signing_keys(self) -> int:
        async with reading(self._pool) as connection:
            return len(await (await connection.execute(_SQL["retire_signing_keys"])).fetchall())

    async def wrap_plain(self) -> None:
        """Encrypt the private halves that are in plain text since before migration 0015; none come after it."""
        async with reading(self._pool) as connection:
            rows = await (await connection.execute(_SQL["plain_signing_keys"])).fetchall()
            for row in rows:
                await connection.execute(_SQL["wrap_signing_key"], self._wrapped(SigningKey(*row))._asdict())

    def _wrapped(self, key: SigningKey) -> SigningKey:
        private, bound_to = key.private_key, _bound_to(key.public_key)
        return key._replace(private_key=None if private is None else self._installation.wrap(private, bound_to))

    def _unwrapped(self, public_key: bytes, wrapped: bytes | None) -> SigningKey:
        bound_to = _bound_to(public_key)
        return SigningKey(public_key, None if wrapped is None else self._installation.unwrap(wrapped, bound_to))


def _bound_to(public_key: bytes) -> bytes:
    return b"signing key " + public_key
