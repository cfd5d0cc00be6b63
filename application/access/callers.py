"""Who is calling, and whether they may. Every route asks the same function."""

import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache, partial
from hmac import compare_digest
from math import inf
from typing import NamedTuple, Protocol, TypeVar

from application.access.credentials import Ends, KeyState
from application.access.scopes import grants
from application.access.tokens import TOKEN_PREFIX, Claims, TokenSigner, fingerprint_of
from domain.errors import Forbidden, Unauthenticated
from domain.values import Actor, TenantName

T = TypeVar("T")

CACHE_SECONDS = 5.0
"""How long a worker may still accept a credential after its end. A long-lived connection must check again as often."""
MAX_REMEMBERED = 10_000
"""How many credentials, and how many tokens, a worker remembers."""
_ID_BYTES = 12


@dataclass(frozen=True, slots=True)
class Tenant:
    """A customer of the store. An implicit tenant's orders and integrations are created by their first event."""

    name: TenantName
    is_implicit: bool
    dintero_account: str | None


class Credential(NamedTuple):
    """The credential of a tenant's program as it is stored: with the SHA-256 of its secret instead of the secret."""

    tenant: Tenant
    key_id: str
    secret_digest: bytes
    scopes: tuple[str, ...]
    name: str
    performer: Actor | None = None
    """The person it acts for, if a person authorised it."""
    ends: Ends = Ends()
    earlier_digest: bytes | None = None
    """The digest of the previous secret. That secret is valid for a while, or was."""

    @property
    def digests(self) -> tuple[bytes, ...]:
        """The digests of its present secret and, if there is one, of its previous secret."""
        return (self.secret_digest,) if self.earlier_digest is None else (self.secret_digest, self.earlier_digest)


@dataclass(frozen=True, slots=True)
class Caller:
    """A sender whose credential was checked, and what it lets them do."""

    tenant: Tenant
    key_id: str
    name: str
    scopes: tuple[str, ...]
    performer: Actor | None = None
    fingerprint: str = ""
    """The fingerprint of the secret that they sent, or for which their token was issued."""
    ends_at: datetime | None = None
    """When that secret or the credential ends, whichever comes first."""

    @property
    def actor(self) -> Actor:
        """The actor of an event if the request names nobody else: the person the program acts for, or the program."""
        return _actor(self.key_id, self.name, self.performer)

    def seconds_of(self, seconds: int) -> int:
        """Return how many seconds the caller may still go on, at most this many."""
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
    """Let the caller pass if their scopes give the required one, and the request names their own tenant and
    account.

    tenant and account are the names of the tenant and the Dintero account in a path, a header or a body. They never
    widen what a credential allows. required is None if any credential is enough. Raises Forbidden.
    """
    if tenant is not None and tenant != caller.tenant.name:
        raise Forbidden(f"This credential belongs to another tenant than {tenant!r}")
    if account is not None and account != caller.tenant.dintero_account:
        raise Forbidden(f"This credential belongs to another account than {account!r}")
    if required is not None and not grants(caller.scopes, required):
        raise Forbidden(f"This credential lacks the scope {required}")


def comments_on(order_id: str) -> str:
    """Return the scope that allows comments on an order. write:orders gives it too."""
    return f"write:orders:/{order_id}/comments"


Audience = str | Callable[[Tenant], str | None] | None
"""The audience a token must have: the same for everybody, or one for each tenant."""


@dataclass(frozen=True, slots=True)
class _Checked:
    """A checked token: valid until expires_at (seconds since 1970), and to be checked again from again_at on."""

    caller: Caller
    audience: str | None
    expires_at: float
    again_at: float


class _Found(NamedTuple):
    """A credential, and the digest of the secret that the caller has or holds a token for; None if none matched."""

    credential: Credential
    digest: bytes | None


class Access:
    """Turns what a request carries into a Caller. Raises Unauthenticated if any check fails."""

    def __init__(
        self,
        credentials: CredentialStore,
        tokens: TokenSigner,
        *,
        require_reachable: Callable[[TenantName], None] = lambda _: None,
    ) -> None:
        """require_reachable raises Unavailable for a tenant of which nothing can be reached, so that nobody waits."""
        self._credentials = credentials
        self._tokens = tokens
        self._require_reachable = require_reachable
        self._known: dict[str, tuple[float, Credential]] = {}
        self._checked: dict[str, _Checked] = {}

    async def by_secret(self, key_id: str, secret: str) -> Caller:
        """Check a key id and its secret."""
        found = await self._find(key_id, partial(compare_digest, self._tokens.digest(secret)))
        if found is None or found.digest is None:
            raise Unauthenticated("There is no such key, or the secret is wrong")
        self._require_reachable(found.credential.tenant.name)
        return _caller(found.credential, found.digest, found.credential.scopes)

    async def by_bearer(self, token: str, *, audience: Audience = None) -> Caller:
        """Check a bearer token: a credential in one piece (ot_<key_id>_<secret>) or a signed token of ours.

        A signed token that was issued for an audience is valid for that audience only.
        """
        if (caller := self.known_by_bearer(token, audience=audience)) is not None:
            return caller
        checked = await self._check(token)
        _remember(self._checked, token, checked)
        return self._caller_for(checked, audience)

    def known_by_bearer(self, token: str, *, audience: Audience = None) -> Caller | None:
        """Return what by_bearer does if the token was checked a moment ago; None if it has to be checked."""
        checked = self._checked.get(token)
        if checked is None or time.monotonic() >= checked.again_at or time.time() >= checked.expires_at:
            return None
        return self._caller_for(checked, audience)

    async def by_link(self, token: str, *, audience: str, is_anew: bool = False) -> Caller:
        """Check the token in a link. It must be signed for this audience and must not be a credential. With is_anew,
        nothing that is remembered counts, so an ended credential is refused at once. Raises Forbidden.
        """
        refusal = Forbidden("The link was not made by this server, or it has ended; ask for a new one")
        try:
            claims = self._tokens.read(token)
            if is_anew:
                self._forget(token, claims.key_id)
            caller = await self.by_bearer(token, audience=audience)
        except Unauthenticated as exc:
            raise refusal from exc
        if claims.audience != audience:
            raise refusal
        return caller

    def issue(self, caller: Caller, *, seconds: int, audience: str | None = None) -> str:
        """Return a signed token with the caller's scopes. It is valid for some seconds, but not longer than the caller
        is.
        """
        expires_at = int(time.time()) + caller.seconds_of(seconds)
        claims = Claims(
            caller.key_id, caller.scopes, expires_at, audience, caller.fingerprint, secrets.token_urlsafe(_ID_BYTES)
        )
        return self._tokens.sign(claims)

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
        scopes = tuple(scope for scope in claims.scopes if grants(granted, scope))
        return self._checked_now(_caller(found.credential, found.digest, scopes), claims.audience, claims.expires_at)

    def _caller_for(self, checked: _Checked, audience: Audience) -> Caller:
        """Return the caller of a checked token. Raises Unauthenticated if it is for another audience; Unavailable."""
        caller = checked.caller
        if checked.audience is not None:
            wanted = audience(caller.tenant) if callable(audience) else audience
            if checked.audience != wanted:
                raise Unauthenticated("The token was issued for another audience")
        self._require_reachable(caller.tenant.name)
        return caller

    def _checked_now(self, caller: Caller, audience: str | None = None, expires_at: float = inf) -> _Checked:
        if caller.ends_at is not None:
            expires_at = min(expires_at, caller.ends_at.timestamp())
        # No longer than the credential is remembered: two such periods would accept a revoked credential for twice the
        # time.
        again_at = self._known[caller.key_id][0] + CACHE_SECONDS
        return _Checked(caller, audience, expires_at, again_at)

    def _forget(self, token: str, key_id: str) -> None:
        self._checked.pop(token, None)
        self._known.pop(key_id, None)

    async def _find(self, key_id: str, is_it: Callable[[bytes], bool]) -> _Found | None:
        """Return the credential with this key id, and the digest of its secret that is_it accepts."""
        now = time.monotonic()
        since, known = self._known.get(key_id, (-inf, None))
        if known is not None and now - since < CACHE_SECONDS:
            found = _Found(known, _first(known.digests, is_it))
            # If the secret was replaced since, the new one must be accepted at once.
            if found.digest is not None:
                return found
        credential = await self._credentials.find(key_id)
        if credential is None:
            return None
        _remember(self._known, key_id, (now, credential))
        return _Found(credential, _first(credential.digests, is_it))


def _first(digests: Iterable[bytes], is_it: Callable[[bytes], bool]) -> bytes | None:
    """Return the digest that is_it accepts. All digests are tried, so that the time taken reveals nothing."""
    found = [digest for digest in digests if is_it(digest)]
    return found[0] if found else None


def _remember(known: dict[str, T], name: str, what: T) -> None:
    if len(known) >= MAX_REMEMBERED:
        known.clear()
    known[name] = what


def _caller(credential: Credential, digest: bytes, scopes: tuple[str, ...]) -> Caller:
    """Return the caller of a credential, once they have proven to have its secret of this digest, or a token for it.

    Raises Unauthenticated if the credential or that secret has ended. Only a caller with the secret learns this.
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
