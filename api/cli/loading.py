"""Bulk loads from the command line: over HTTP, or straight into the database."""

from collections.abc import AsyncIterator

import httpx

from api.bootstrap import open_register, open_services
from api.cli.credentials import bearer
from api.cli.files.load_lines import LoadFile
from api.cli.maintenance import InvalidArgument
from api.http.accept import NDJSON
from api.native.following import ingest
from api.native.following.ingest import Loaded
from api.native.following.ingest_chunks import chunks_of, lines_of
from api.native.following.ingest_lines import LineReader
from application.access.callers import Caller, Tenant
from domain.errors import Unavailable
from domain.values import TenantName

TIMEOUT = httpx.Timeout(60.0, read=300.0)


def load_over_http(source: LoadFile, url: str, token: str | None) -> Loaded:
    """Send a file to a server. Raises InvalidArgument, Unavailable."""
    if token is None:
        raise InvalidArgument("Give the credential's token with --token or ORDERTRAIL_TOKEN")
    headers = {**bearer(token), "Content-Type": NDJSON}
    try:
        response = httpx.post(url.rstrip("/") + ingest.PATH, content=source.pieces(), headers=headers, timeout=TIMEOUT)
    except (httpx.HTTPError, httpx.InvalidURL) as exc:
        raise Unavailable(f"The load broke off; start it again: {exc or type(exc).__name__}") from exc
    if response.status_code != httpx.codes.OK:
        raise Unavailable(f"The server refused the load ({response.status_code}): {_detail(response)}")
    return Loaded.model_validate_json(response.content)


def _detail(response: httpx.Response) -> str:
    try:
        return str(response.json()["detail"])
    except (LookupError, TypeError, ValueError):
        return response.text[:1_000]


async def load_directly(source: LoadFile, dsn: str, tenant: str | None) -> Loaded:
    """Record a file's events in a database. Raises InvalidArgument, TenantNotFound, Unavailable."""
    if tenant is None:
        raise InvalidArgument("Give the tenant with --tenant, or a server with --url")
    async with open_register(dsn) as register:
        found = await register.tenants.find(TenantName(tenant))
    owner = Tenant(found.tenant, found.is_implicit, found.dintero_account)
    caller = Caller(owner, "ordertrail-load", "ordertrail load", ("admin",))
    async with open_services(dsn) as services:
        reader = LineReader(caller, services.secret_headers)
        return await ingest.Upload(caller, services).take(chunks_of(lines_of(_pieces(source)), reader))


async def _pieces(source: LoadFile) -> AsyncIterator[bytes]:
    for piece in source.pieces():
        yield piece
