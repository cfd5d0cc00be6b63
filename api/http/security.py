"""How a request carries its credential. application.access.callers decides what the credential allows."""

import base64

from fastapi.security import HTTPBasic, HTTPBearer
from starlette.requests import Request

from api.http.reading.headers import Headers
from api.services import Services
from application.access.callers import Audience, Caller
from domain.errors import Unauthenticated

BEARER = HTTPBearer(auto_error=False, description="A token of `ordertrail key create`: ot_<key_id>_<secret>")
BASIC = HTTPBasic(auto_error=False, description="The key id and the secret of `ordertrail key create`")


async def bearer(services: Services, request: Request, *, audience: Audience = None) -> Caller:
    """Return the caller with the request's bearer token. Raises Unauthenticated."""
    return await services.access.by_bearer(token_of(request), audience=audience)


def known_bearer(services: Services, headers: Headers, *, audience: Audience = None) -> Caller | None:
    """Return what bearer does if the token was checked a moment ago; None if bearer has to be asked.

    No header of the request came twice. Raises Unauthenticated if the token is for another audience; Unavailable.
    """
    scheme, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    return services.access.known_by_bearer(token.strip(), audience=audience) if scheme.lower() == "bearer" else None


def token_of(request: Request) -> str:
    """Return the request's bearer token. Raises Unauthenticated."""
    scheme, _, token = _authorization(request).partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("Send a token in the header Authorization: Bearer <token>")
    return token.strip()


async def basic(services: Services, request: Request) -> Caller:
    """Return the caller with the request's key id and secret. Raises Unauthenticated."""
    scheme, _, encoded = _authorization(request).partition(" ")
    if scheme.lower() != "basic":
        raise Unauthenticated("Send the key id and the secret in the header Authorization: Basic <base64>")
    try:
        key_id, colon, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError as exc:  # not ASCII, not base64, or not UTF-8
        raise Unauthenticated("What follows Authorization: Basic is not base64 of key_id:secret") from exc
    if not colon:
        raise Unauthenticated("What follows Authorization: Basic is not base64 of key_id:secret")
    return await services.access.by_secret(key_id, secret)


def _authorization(request: Request) -> str:
    """Return the header that carries the credential; empty if there is none. Raises Unauthenticated.

    If two came, a proxy before us may have checked the other one.
    """
    sent: set[bytes] = {value for name, value in request.scope["headers"] if name == b"authorization"}
    if len(sent) > 1:
        raise Unauthenticated("The header Authorization was sent twice with different values; a request has one")
    return sent.pop().decode("latin-1") if sent else ""
