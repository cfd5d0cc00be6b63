"""The command line's work with credentials: it lists them, and ends them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from api.bootstrap import open_register
from api.cli.terminal.tables import minute, table
from api.services import Register
from application.access.callers import CACHE_SECONDS
from application.access.credentials import KeyRecord, KeyState, NewKey
from domain.values import TenantName

Document = dict[str, Any]
"""A document to print as JSON. The names of its members are stable."""

HEADS = ("KEY ID", "TENANT", "NAME", "STATE", "SCOPES", "ACTS FOR", "CREATED", "EXPIRES", "ROTATED")


async def list_keys(dsn: str, tenant: str | None, *, only_active: bool) -> list[KeyRecord]:
    """Return the credentials of a tenant, or of all tenants by name, the oldest first. Raises TenantNotFound."""
    now = datetime.now(UTC)
    async with open_register(dsn) as register:
        keys = [key for name in await _tenants(register, tenant) for key in await register.keys.of_tenant(name)]
    return [key for key in keys if key.ends.state(now).is_usable or not only_active]


async def revoke_key(dsn: str, key_id: str, tenant: str | None) -> tuple[KeyRecord, bool]:
    """End a credential for good. Return it, and whether this call revoked it. Raises KeyNotFound."""
    async with open_register(dsn, as_owner=True) as register:
        key = await register.keys.find(key_id, _named(tenant))
        is_new = await register.keys.revoke(key)
        return await register.keys.find(key_id, key.tenant), is_new


async def rotate_key(dsn: str, key_id: str, tenant: str | None, *, keep: timedelta) -> Document:
    """Replace a credential's secret, and return it with the new one. The present secret stays valid for a while.

    Raises KeyNotFound, KeyHasEnded.
    """
    async with open_register(dsn, as_owner=True) as register:
        key = await register.keys.find(key_id, _named(tenant))
        return new_key_document(await register.keys.rotate(key, keep=keep))


def key_document(key: KeyRecord) -> Document:
    """Return a credential in its printed JSON form."""
    return {
        "key_id": key.key_id,
        "tenant": key.tenant,
        "name": key.name,
        "scopes": key.scopes,
        "performer": key.performer and key.performer.model_dump(include={"id", "name", "type"}),
        "state": key.ends.state(datetime.now(UTC)),
        "created_at": key.created_at,
        "expires_at": key.ends.expires_at,
        "rotated_at": key.rotated_at,
        "earlier_secret_until": key.ends.earlier_until,
        "revoked_at": key.ends.revoked_at,
    }


def new_key_document(key: NewKey) -> Document:
    """Return a credential with its new secret in its printed JSON form. The secret is shown only once."""
    document = {"tenant": key.tenant, "key_id": key.key_id, "secret": key.secret, "token": key.token}
    expires = {} if key.expires_at is None else {"expires_at": key.expires_at}
    return {**document, "scopes": list(key.scopes), **expires}


def new_key_text(key: Document) -> str:
    """Return a document's text for people, one member a line."""
    width = max(map(len, key)) + 2
    shown = {**key, "scopes": " ".join(key["scopes"])}
    if "expires_at" in key:
        shown["expires_at"] = f"{key['expires_at']:%Y-%m-%dT%H:%M:%SZ}"
    return "\n".join(f"{name:<{width}}{value}" for name, value in shown.items())


def revoked_text(key: KeyRecord, *, is_new: bool) -> str:
    """Return the message about a revoked credential."""
    named = f"Key {key.key_id} of tenant {key.tenant}"
    if is_new:
        return f"{named} is revoked. No worker accepts it any more after {CACHE_SECONDS:g} seconds."
    return f"{named} was revoked before, at {key.ends.revoked_at:%Y-%m-%dT%H:%M:%SZ}."


def rotated_text(keep: str, period: timedelta) -> str:
    """Return the message about the secret that a new one replaces."""
    ends = f"is good for {keep} more" if period else f"ends within {CACHE_SECONDS:g} seconds"
    return f"The secret before it {ends}, with the tokens and links that were made with it."


def keys_table(keys: Sequence[KeyRecord]) -> str:
    """Return credentials as a table for people."""
    return table(HEADS, [_row(key) for key in keys]) if keys else "There are no credentials."


def _row(key: KeyRecord) -> tuple[str, ...]:
    return (
        key.key_id,
        key.tenant,
        key.name,
        _state(key),
        " ".join(key.scopes),
        f"{key.performer.name} ({key.performer.id})" if key.performer else "",
        minute(key.created_at),
        minute(key.ends.expires_at),
        minute(key.rotated_at),
    )


def _state(key: KeyRecord) -> str:
    state = key.ends.state(datetime.now(UTC))
    match state:
        case KeyState.ROTATING:
            return f"{state} until {minute(key.ends.earlier_until)}"
        case KeyState.REVOKED:
            return f"{state} {minute(key.ends.revoked_at)}"
        case _:
            return state


async def _tenants(register: Register, only: str | None) -> Sequence[TenantName]:
    """Return the named tenant, or all tenants. Raises TenantNotFound."""
    if only is None:
        return await register.tenants.names()
    return [(await register.tenants.find(TenantName(only))).tenant]


def _named(tenant: str | None) -> TenantName | None:
    return None if tenant is None else TenantName(tenant)
