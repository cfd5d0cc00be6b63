"""Links that sign a person in to the pages, good for one use, and the sessions that they begin."""

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


class SpentTokens(Protocol):
    """Remembers which links were used and which sessions were signed out. Every method raises Unavailable."""

    async def spend(self, tenant: TenantName, digest: bytes) -> bool:
        """Note that the token with this digest is no longer good; return whether it was good until now."""

    async def is_spent(self, tenant: TenantName, digest: bytes) -> bool:
        """Return whether the token with this digest is no longer good."""


class Sessions:
    """Signs people in and out: in with a credential, or with a link that was made from one."""

    def __init__(self, access: Access, spent: SpentTokens) -> None:
        self._access = access
        self._spent = spent

    def link(self, caller: Caller) -> str:
        """Return the token of a link that signs in as this caller, once, within LINK_SECONDS."""
        return self._access.issue(caller, seconds=LINK_SECONDS, audience=LINK_AUDIENCE)

    async def look_at(self, link: str) -> Caller:
        """Return as whom a link signs in, without using it. Raises Forbidden."""
        caller = await self._access.by_link(link, audience=LINK_AUDIENCE)
        if await self._spent.is_spent(caller.tenant.name, _digest(link)):
            raise _used()
        return caller

    async def redeem(self, link: str) -> str:
        """Use a link, and return the token of a session. Raises Forbidden."""
        caller = await self._access.by_link(link, audience=LINK_AUDIENCE)
        if not await self._spent.spend(caller.tenant.name, _digest(link)):
            raise _used()
        return self.begin(caller)

    def begin(self, caller: Caller) -> str:
        """Return the token of a session of this caller. No two sessions have the same token."""
        return self._access.issue(caller, seconds=SESSION_SECONDS, audience=SESSION_AUDIENCE)

    async def caller(self, session: str) -> Caller:
        """Return whose session this is. Raises Forbidden if it is over, was signed out, or its credential has ended.

        No worker remembers the answer, so a session that has ended is refused at once by all of them.
        """
        caller = await self._access.by_link(session, audience=SESSION_AUDIENCE, is_anew=True)
        if await self._spent.is_spent(caller.tenant.name, _digest(session)):
            raise Forbidden("This session was signed out; sign in again")
        return caller

    async def end(self, session: str) -> None:
        """Sign a session out, so that its token opens nothing any more. Nothing happens if it is none, or over."""
        try:
            caller = await self._access.by_link(session, audience=SESSION_AUDIENCE)
        except Forbidden:
            return
        await self._spent.spend(caller.tenant.name, _digest(session))


def _digest(token: str) -> bytes:
    return sha256(token.encode()).digest()


def _used() -> Forbidden:
    return Forbidden("This link was used before. A link signs in once; ask for a new one")
