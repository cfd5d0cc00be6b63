"""Large bodies in an object store: S3, Google Cloud Storage, Azure, or a folder."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from application.bodies.port import BodyPlace, BodyStore
from domain.errors import Misconfigured, Unavailable
from domain.values import BodyRef, TenantName

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

# A client that logs a call waits until its body is stored, so a silent store must not hold it up for minutes.
_CLIENT: "ClientConfig" = {"connect_timeout": "5s", "timeout": "30s", "allow_http": True}
_RETRIES: "RetryConfig" = {"max_retries": 2, "retry_timeout": timedelta(seconds=30)}


class UnusableStore(Unavailable, Misconfigured):
    """The store of large bodies cannot be opened."""


class ObjectBodyStore:
    """Implements application.bodies.port.BodyStore. Bodies that were stored before the object store was set are still
    found.

    Credentials, regions and endpoints come from the variables that the provider's own tools read.
    """

    def __init__(self, url: str, *, earlier: BodyStore) -> None:
        parts = urlsplit(url)
        self._bucket, self._prefix = parts.netloc or parts.scheme, parts.path.strip("/")
        self._earlier = earlier
        self._store = _open(url)

    async def put(self, tenant: TenantName, subject: str, body: bytes) -> BodyRef:
        digest = sha256(body).hexdigest()
        async with _translated():
            # One request, whatever the size, so that an object is there completely or not at all.
            await obstore.put_async(self._store, _key(tenant, digest), body, use_multipart=False)
            if isinstance(self._store, LocalStore):
                await asyncio.to_thread(_sync, Path(str(self._store.prefix)), _key(tenant, digest))
        return BodyRef(digest=digest, size=len(body))

    async def get(self, tenant: TenantName, digest: str) -> bytes | None:
        async with _translated():
            with suppress(FileNotFoundError):
                found = await obstore.get_async(self._store, _key(tenant, digest))
                return bytes(await found.bytes_async())
        return await self._earlier.get(tenant, digest)

    async def delete(self, tenant: TenantName, digest: str, *, before: datetime | None = None) -> None:
        key = _key(tenant, digest)
        async with _translated():
            with suppress(FileNotFoundError):
                if before is None or (await obstore.head_async(self._store, key))["last_modified"] <= before:
                    await obstore.delete_async(self._store, key)
        await self._earlier.delete(tenant, digest, before=before)

    def place(self, tenant: TenantName, digest: str) -> BodyPlace:
        return BodyPlace(self._bucket, "/".join(part for part in (self._prefix, _key(tenant, digest)) if part))


def _open(url: str) -> ObjectStore:
    """Open the store that a URL names, without sending it anything. Raises UnusableStore."""
    try:
        if urlsplit(url).scheme == "file":
            return LocalStore.from_url(url, mkdir=True)
        return from_url(url, client_options=_CLIENT, retry_config=_RETRIES)
    except (BaseError, OSError, ValueError) as exc:
        raise UnusableStore(f"ORDERTRAIL_BODIES_URL cannot be opened: {_first_line(exc)}") from exc


def check_bodies_url(url: str) -> None:
    """Raise UnusableStore unless a URL names a store that can be opened."""
    _open(url)


def _key(tenant: TenantName, digest: str) -> str:
    return f"{tenant}/{digest}"


def _sync(root: Path, key: str) -> None:
    """Make a file survive a power failure, together with its folders, which may be new."""
    path = root / key
    for one in (path, path.parent, root):
        descriptor = os.open(one, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@asynccontextmanager
async def _translated() -> AsyncIterator[None]:
    """Raise the object store's errors as ours."""
    try:
        yield
    except (BaseError, OSError) as exc:
        # Clients need not know where bodies are kept.
        what = "The store of large bodies cannot be reached at the moment; try again"
        raise Unavailable(what, said=f"Its store: {_first_line(exc)}") from exc


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:300]
