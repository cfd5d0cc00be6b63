"""Links that sign a person in to the pages: signed, short-lived, and good for one use."""

from hashlib import sha256
from typing import Protocol

from application.access.callers import Access, Caller
from domain.errors import Forbidden
from domain.values import TenantName

LINK_AUDIENCE = "urn:ordertrail:sign-in"
SESSION_AUDIENCE = "urn:ordertrail:session"
LINK_SECONDS = 900
SESSION_SECONDS = 12 * 3600
"""How long a session lasts. It ends with the credential behind it, if that ends first."""


class UsedLinks(Protocol):
    """Remembers which links were used. Every method raises Unavailable."""

    async def use(self, tenant: TenantName, digest: bytes) -> bool:
        """Note that the link with this digest is used; return whether it had not been used before."""

    async def is_used(self, tenant: TenantName, digest: bytes) -> bool:
        """Return whether the link with this digest was used."""


class Sessions:
    """Signs people in: with a credential, or with a link that was made from one."""

    def __init__(self, access: Access, used: UsedLinks) -> None:
        self._access = access
        self._used = used

    def link(self, caller: Caller) -> str:
        """Return the token of a link that signs in as this caller, once, within LINK_SECONDS."""
        return self._access.issue(caller, seconds=LINK_SECONDS, audience=LINK_AUDIENCE)

    async def look_at(self, link: str) -> Caller:
        """Return as whom a link signs in, without using it. Raises Forbidden."""
        caller = await self._access.by_link(link, audience=LINK_AUDIENCE)
        if await self._used.is_used(caller.tenant.name, _digest(link)):
            raise _used()
        return caller

    async def redeem(self, link: str) -> str:
        """Use a link, and return the token of a session. Raises Forbidden."""
        caller = await self._access.by_link(link, audience=LINK_AUDIENCE)
        if not await self._used.use(caller.tenant.name, _digest(link)):
            raise _used()
        return self.begin(caller)

    def begin(self, caller: Caller) -> str:
        """Return the token of a session of this caller."""
        return self._access.issue(caller, seconds=SESSION_SECONDS, audience=SESSION_AUDIENCE)

    async def caller(self, session: str) -> Caller:
        """Return whose session this is. Raises Forbidden if it is over, or if its credential is."""
        return await self._access.by_link(session, audience=SESSION_AUDIENCE)


def _digest(link: str) -> bytes:
    return sha256(link.encode()).digest()


def _used() -> Forbidden:
    return Forbidden("This link was used before. A link signs in once; ask for a new one")
