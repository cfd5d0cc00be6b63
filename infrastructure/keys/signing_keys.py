"""The keys that sign checkpoints, in PostgreSQL, encrypted with the installation's key."""

from collections.abc import Sequence

from application.transparency.keys import SigningKey
from infrastructure.keys.installation import ORIGIN, NotSetUp, PostgresInstallation
from infrastructure.keys.installation_key import InstallationKey
from infrastructure.postgres.database import Pool, reading, writing
from infrastructure.postgres.statements import statements

_SQL = statements("signing_keys")


class PostgresSigningKeys:
    """Implements application.transparency.keys.SigningKeyStore."""

    def __init__(self, pool: Pool, key: InstallationKey) -> None:
        self._pool = pool
        self._installation = PostgresInstallation(pool)
        self._key = key
        self._origin: str | None = None

    async def origin(self) -> str:
        # It never changes, and each sealing and each proof needs it.
        if self._origin is None:
            self._origin = f"ordertrail/{(await self._installation.value(ORIGIN))[:8].hex()}"
        return self._origin

    async def signing_keys(self) -> Sequence[SigningKey]:
        async with reading(self._pool) as connection:
            rows = await (await connection.execute(_SQL["signing_keys"])).fetchall()
        if not rows:
            raise NotSetUp("signing key")
        return [self._unwrapped(*row) for row in rows]

    async def add_signing_key(self, key: SigningKey) -> None:
        async with writing(self._pool) as connection:
            await connection.execute(_SQL["add_signing_key"], wrapped(key, self._key)._asdict())

    async def retire_signing_keys(self) -> int:
        async with writing(self._pool) as connection:
            return len(await (await connection.execute(_SQL["retire_signing_keys"])).fetchall())

    def _unwrapped(self, public_key: bytes, private_key: bytes | None) -> SigningKey:
        bound_to = _bound_to(public_key)
        return SigningKey(public_key, None if private_key is None else self._key.unwrap(private_key, bound_to))


def wrapped(key: SigningKey, installation: InstallationKey) -> SigningKey:
    """Return a key in its stored form: its private half is encrypted with the installation's key, bound to its public
    half.
    """
    private, bound_to = key.private_key, _bound_to(key.public_key)
    return key._replace(private_key=None if private is None else installation.wrap(private, bound_to))


def _bound_to(public_key: bytes) -> bytes:
    return b"signing key " + public_key
