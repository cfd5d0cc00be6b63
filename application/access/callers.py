"""Who is calling, and whether they may: one function decides, and every route goes through it."""

import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import lru_cache, partial
from hmac import compare_digest
from math import inf
from typing import NamedTuple, Protocol, TypeVar

from application.access.credentials import Ends, KeyState
from application.access.scopes import allows
from application.access.tokens import TOKEN_PREFIX, Claims, TokenSigner, fingerprint_of
from domain.errors import Forbidden, Unauthenticated
from domain.values import Actor, TenantName

T = TypeVar("T")

CACHE_SECONDS = 5.0
"""How long a worker may go on accepting a credential that has ended; what lasts longer has to ask again as often."""
MAX_REMEMBERED = 10_000
"""How many credentials, and how many tokens, a worker remembers."""


class Tenant(NamedTuple):
    """A customer of the store. An implicit tenant's orders and integrations come into being with their first event."""

    name: TenantName
    is_implicit: bool
    dintero_account: str | None


class Credential(NamedTuple):
    """What a tenant's program identifies itself with, as it is stored: without the secret, with its SHA-256."""

    tenant: Tenant
    key_id: str
    secret_digest: bytes
    scopes: tuple[str, ...]
    name: str
    performer: Actor | None = None
    """The person it acts for, if it was authorised by one."""
    ends: Ends = Ends()
    earlier_digest: bytes | None = None
    """Of the secret before the present one, which is good for a while, or was."""

    @property
    def digests(self) -> tuple[bytes, ...]:
        """Of every secret that it was known by lately."""
        return (self.secret_digest,) if self.earlier_digest is None else (self.secret_digest, self.earlier_digest)


class Caller(NamedTuple):
    """Somebody whose credential was checked, and what it lets them do."""

    tenant: Tenant
    key_id: str
    name: str
    scopes: tuple[str, ...]
    performer: Actor | None = None
    fingerprint: str = ""
    """Of the secret that they came with, or that their token was issued for."""
    ends_at: datetime | None = None
    """When that secret ends, or the credential, whichever comes first."""

    @property
    def actor(self) -> Actor:
        """Who an event is by if the request names nobody else: the person the program acts for, or the program."""
        return _actor(self.key_id, self.name, self.performer)

    def seconds_of(self, seconds: int) -> int:
        """Return for how many of these seconds from now they may go on."""
        return seconds if self.ends_at is None else max(0, min(seconds, int(self.ends_at.timestamp() - time.time())))


@lru_cache(maxsize=MAX_REMEMBERED)
def _actor(key_id: str, name: str, performer: Actor | None) -> Actor:
    if performer is not None:
        return performer.model_copy(update={"application_id": key_id})
    return Actor(id=key_id, name=name, type="Application", application_id=key_id)


class CredentialStore(Protocol):
    """Where credentials are kept."""

    async def find(self, key_id: str) -> Credential | None:
        """Return the credential with this key id, whatever its tenant."""


def authorise(caller: Caller, required: str | None, *, tenant: str | None = None, account: str | None = None) -> None:
    """Let the caller pass if a scope of theirs gives the required one, and the names in the request are their own.

    tenant and account are the tenant's and the Dintero account's names in a path, a header or a body: they never widen
    what a credential allows. required is None where whoever has a credential may pass. Raises Forbidden.
    """
    if tenant is not None and tenant != caller.tenant.name:
        raise Forbidden(f"This credential belongs to another tenant than {tenant!r}")
    if account is not None and account != caller.tenant.dintero_account:
        raise Forbidden(f"This credential belongs to another account than {account!r}")
    if required is not None and not any(allows(scope, required) for scope in caller.scopes):
        raise Forbidden(f"This credential lacks the scope {required}")


Audience = str | Callable[[Tenant], str | None] | None
"""What a token has to be for: the same for everybody, or one for each tenant."""


class _Checked(NamedTuple):
    """A token that was checked: good until it expires (seconds since 1970), and to be checked again after a moment."""

    caller: Caller
    audience: str | None
    expires_at: float
    again_at: float


class _Found(NamedTuple):
    """A credential, and the digest of that secret of its that somebody has, or a token for; None if of none."""

    credential: Credential
    digest: bytes | None


class Access:
    """Turns what a request carries into a Caller. Raises Unauthenticated for whatever does not check out."""

    def __init__(self, credentials: CredentialStore, tokens: TokenSigner) -> None:
        self._credentials = credentials
        self._tokens = tokens
        self._known: dict[str, tuple[float, Credential]] = {}
        self._checked: dict[str, _Checked] = {}

    async def by_secret(self, key_id: str, secret: str) -> Caller:
        """Check a key id and its secret."""
        found = await self._find(key_id, partial(compare_digest, self._tokens.digest(secret)))
        if found is None or found.digest is None:
            raise Unauthenticated("There is no such key, or its secret is another one")
        return _caller(found.credential, found.digest, found.credential.scopes)

    async def by_bearer(self, token: str, *, audience: Audience = None) -> Caller:
        """Check a bearer token: a credential in one piece (ot_<key_id>_<secret>) or a signed token of ours.

        A signed token that was issued for an audience is good for that audience only.
        """
        checked = self._checked.get(token)
        if checked is None or time.monotonic() >= checked.again_at or time.time() >= checked.expires_at:
            checked = await self._check(token)
            _remember(self._checked, token, checked)
        wanted = audience(checked.caller.tenant) if callable(audience) else audience
        if checked.audience is not None and checked.audience != wanted:
            raise Unauthenticated("The token was issued for another audience")
        return checked.caller

    async def by_link(self, token: str, *, audience: str) -> Caller:
        """Check the token in a link: one that was signed for this audience, and no credential. Raises Forbidden."""
        refusal = Forbidden("The link is not one of ours, or it is not valid any more; ask for a new one")
        try:
            claims, caller = self._tokens.read(token), await self.by_bearer(token, audience=audience)
        except Unauthenticated as exc:
            raise refusal from exc
        if claims.audience != audience:
            raise refusal
        return caller

    def issue(self, caller: Caller, *, seconds: int, audience: str | None = None) -> str:
        """Return a signed token with the caller's scopes, valid for some seconds, but no longer than the caller is."""
        expires_at = int(time.time()) + caller.seconds_of(seconds)
        return self._tokens.sign(Claims(caller.key_id, caller.scopes, expires_at, audience, caller.fingerprint))

    async def _check(self, token: str) -> _Checked:
        if token.startswith(TOKEN_PREFIX):
            key_id, _, secret = token.removeprefix(TOKEN_PREFIX).partition("_")
            return self._checked_now(await self.by_secret(key_id, secret))
        claims = self._tokens.read(token)
        found = await self._find(claims.key_id, lambda known: fingerprint_of(known) == claims.fingerprint)
        if found is None:
            raise Unauthenticated("The credential behind the token does not exist any more")
        if found.digest is None:
            raise Unauthenticated("The secret that the token was issued for was replaced; get a token with the new one")
        granted = found.credential.scopes
        scopes = tuple(scope for scope in claims.scopes if _is_granted(granted, scope))
        return self._checked_now(_caller(found.credential, found.digest, scopes), claims.audience, claims.expires_at)

    def _checked_now(self, caller: Caller, audience: str | None = None, expires_at: float = inf) -> _Checked:
        if caller.ends_at is not None:
            expires_at = min(expires_at, caller.ends_at.timestamp())
        # No longer than the credential is: the two together must not accept a revoked one for twice the time.
        again_at = self._known[caller.key_id][0] + CACHE_SECONDS
        return _Checked(caller, audience, expires_at, again_at)

    async def _find(self, key_id: str, is_it: Callable[[bytes], bool]) -> _Found | None:
        """Return the credential with this key id, and the digest of its secret for which is_it says so."""
        now = time.monotonic()
        since, known = self._known.get(key_id, (-inf, None))
        if known is not None and now - since < CACHE_SECONDS:
            found = _Found(known, _first(known.digests, is_it))
            # If its secret was replaced since, the new one is good at once.
            if found.digest is not None:
                return found
        credential = await self._credentials.find(key_id)
        if credential is None:
            return None
        _remember(self._known, key_id, (now, credential))
        return _Found(credential, _first(credential.digests, is_it))


def _first(digests: Iterable[bytes], is_it: Callable[[bytes], bool]) -> bytes | None:
    """Return the one that it is. All are asked for: how long it takes tells nothing about any of them."""
    found = [digest for digest in digests if is_it(digest)]
    return found[0] if found else None


def _remember(known: dict[str, T], name: str, what: T) -> None:
    if len(known) >= MAX_REMEMBERED:
        known.clear()
    known[name] = what


def _is_granted(granted: Iterable[str], scope: str) -> bool:
    return any(allows(g, scope) for g in granted)


def _caller(credential: Credential, digest: bytes, scopes: tuple[str, ...]) -> Caller:
    """Return whose credential it is, once it is known that they have its secret of this digest, or a token for it.

    Raises Unauthenticated if the credential, or that secret, has ended: only who has it is told so.
    """
    ends, is_earlier = credential.ends, digest != credential.secret_digest
    state = ends.state(datetime.now(UTC))
    if state is KeyState.REVOKED:
        raise Unauthenticated("The credential was revoked")
    if state is KeyState.EXPIRED:
        raise Unauthenticated("The credential has expired")
    if is_earlier and state is not KeyState.ROTATING:
        raise Unauthenticated("The secret was replaced, and is not valid any more; use the new one")
    moments = [moment for moment in (ends.expires_at, ends.earlier_until if is_earlier else None) if moment]
    return Caller(
        tenant=credential.tenant,
        key_id=credential.key_id,
        name=credential.name,
        scopes=scopes,
        performer=credential.performer,
        fingerprint=fingerprint_of(digest),
        ends_at=min(moments, default=None),
    )
