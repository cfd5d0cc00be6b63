"""Who is calling, and whether they may: one function decides, and every route goes through it."""

import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import lru_cache
from hmac import compare_digest
from math import inf
from typing import NamedTuple, Protocol, TypeVar

from domain.errors import Forbidden, Unauthenticated
from domain.values import Actor, TenantName

T = TypeVar("T")

CACHE_SECONDS = 5.0
"""How long a worker may go on accepting a credential that was revoked."""
MAX_REMEMBERED = 10_000
"""How many credentials, and how many tokens, a worker remembers."""
TOKEN_PREFIX = "ot_"  # noqa: S105 what tokens begin with, not one


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
    expires_at: datetime | None
    performer: Actor | None = None
    """The person it acts for, if it was authorised by one."""


class Caller(NamedTuple):
    """Somebody whose credential was checked, and what it lets them do."""

    tenant: Tenant
    key_id: str
    name: str
    scopes: tuple[str, ...]
    performer: Actor | None = None

    @property
    def actor(self) -> Actor:
        """Who an event is by if the request names nobody else: the person the program acts for, or the program."""
        return _actor(self.key_id, self.name, self.performer)


@lru_cache(maxsize=MAX_REMEMBERED)
def _actor(key_id: str, name: str, performer: Actor | None) -> Actor:
    if performer is not None:
        return performer.model_copy(update={"application_id": key_id})
    return Actor(id=key_id, name=name, type="Application", application_id=key_id)


class CredentialStore(Protocol):
    """Where credentials are kept."""

    async def find(self, key_id: str) -> Credential | None:
        """Return the credential with this key id, whatever its tenant."""


class Claims(NamedTuple):
    """What a signed token says: whose it is, until when (seconds since 1970), and for which audience."""

    key_id: str
    scopes: tuple[str, ...]
    expires_at: int
    audience: str | None


class TokenSigner(Protocol):
    """Signs and reads tokens."""

    def sign(self, claims: Claims) -> str:
        """Return the claims as a signed token."""

    def read(self, token: str) -> Claims:
        """Return what a token says. Raises Unauthenticated if it is not ours, or no longer valid."""

    def digest(self, secret: str) -> bytes:
        """Return the digest a secret is stored as."""


def allows(granted: str, required: str) -> bool:
    """Whether one scope gives what another asks for.

    A scope is verb[:resource[:path]]. admin stands for every verb; what is left out stands for everything below it;
    ANY stands for any one segment of a path. write:shopping gives write:shopping:/orders/17/events, and so does
    write:shopping:/orders/ANY/events; write does not give read. (Grammar: Dintero's scopes, extended by plain verbs.)
    """
    verb, _, rest = granted.partition(":")
    wanted_verb, _, wanted_rest = required.partition(":")
    if verb not in {"admin", wanted_verb}:
        return False
    if not rest:
        return True
    resource, _, path = rest.partition(":")
    wanted_resource, _, wanted_path = wanted_rest.partition(":")
    if resource and resource != wanted_resource:
        return False
    segments, wanted = path.split("/"), wanted_path.split("/")
    return not path or (
        len(segments) == len(wanted) and all(s in {"ANY", w} for s, w in zip(segments, wanted, strict=True))
    )


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


class Access:
    """Turns what a request carries into a Caller. Raises Unauthenticated for whatever does not check out."""

    def __init__(self, credentials: CredentialStore, tokens: TokenSigner) -> None:
        self._credentials = credentials
        self._tokens = tokens
        self._known: dict[str, tuple[float, Credential]] = {}
        self._checked: dict[str, _Checked] = {}

    async def by_secret(self, key_id: str, secret: str) -> Caller:
        """Check a key id and its secret."""
        credential = await self._with_secret(key_id, secret)
        return _caller(credential, credential.scopes)

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
        """Return a signed token with the caller's scopes, valid for some seconds."""
        return self._tokens.sign(Claims(caller.key_id, caller.scopes, int(time.time()) + seconds, audience))

    async def _check(self, token: str) -> _Checked:
        if token.startswith(TOKEN_PREFIX):
            key_id, _, secret = token.removeprefix(TOKEN_PREFIX).partition("_")
            credential = await self._with_secret(key_id, secret)
            return self._checked_now(credential, credential.scopes)
        claims = self._tokens.read(token)
        found = await self._find(claims.key_id)
        if found is None:
            raise Unauthenticated("The credential behind the token does not exist any more")
        scopes = tuple(scope for scope in claims.scopes if _is_granted(found.scopes, scope))
        return self._checked_now(found, scopes, claims.audience, claims.expires_at)

    def _checked_now(
        self, credential: Credential, scopes: tuple[str, ...], audience: str | None = None, expires_at: float = inf
    ) -> _Checked:
        if credential.expires_at is not None:
            expires_at = min(expires_at, credential.expires_at.timestamp())
        # No longer than the credential is: the two together must not accept a revoked one for twice the time.
        again_at = self._known[credential.key_id][0] + CACHE_SECONDS
        return _Checked(_caller(credential, scopes), audience, expires_at, again_at)

    async def _with_secret(self, key_id: str, secret: str) -> Credential:
        credential = await self._find(key_id)
        digest = self._tokens.digest(secret)
        if credential is None or not compare_digest(credential.secret_digest, digest):
            raise Unauthenticated("There is no such key, or its secret is another one")
        return credential

    async def _find(self, key_id: str) -> Credential | None:
        now = time.monotonic()
        known = self._known.get(key_id)
        if known is not None and now - known[0] < CACHE_SECONDS:
            return known[1]
        credential = await self._credentials.find(key_id)
        if credential is not None:
            _remember(self._known, key_id, (now, credential))
        return credential


def _remember(known: dict[str, T], name: str, what: T) -> None:
    if len(known) >= MAX_REMEMBERED:
        known.clear()
    known[name] = what


def _is_granted(granted: Iterable[str], scope: str) -> bool:
    return any(allows(g, scope) for g in granted)


def _caller(credential: Credential, scopes: tuple[str, ...]) -> Caller:
    """Return whose credential it is, once it is known to be theirs. Raises Unauthenticated if it has expired."""
    if credential.expires_at is not None and credential.expires_at < datetime.now(UTC):
        raise Unauthenticated("The credential has expired")
    return Caller(credential.tenant, credential.key_id, credential.name, scopes, credential.performer)
