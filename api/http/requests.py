"""What every route needs from a request, and adds to its answer."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Annotated, Any, ClassVar

from fastapi import Depends, Header, Request, Response, params
from fastapi.routing import APIRoute
from pydantic import StringConstraints

from api.http.conditions import read_if_match, require_kept, takes
from api.http.credentials import credentials_of
from api.http.exchange import current_exchange
from api.http.opening import services_of
from api.http.problems import UnsupportedMediaType
from api.http.reading.bodies import StrictRequest
from api.http.reading.codings import coding_of
from api.http.reading.faults import tell_few_faults
from api.http.reading.json_text import to_json
from api.http.reading.query import known_parameters, require_each_once, require_known, single_parameters
from api.services import Services
from application.access.callers import Caller
from application.ledger.outcome import Recorded
from application.ledger.port import IdempotencyKey
from application.views.queries import Freshness


class StrictRoute(APIRoute):
    """A route that identifies the sender before it reads the body, and reads the body strictly."""

    max_body_bytes: ClassVar[int | None] = None
    """A lower limit on bodies than the application's, for senders that are not known yet."""
    knows_its_parameters: ClassVar[bool] = False
    """Whether unknown parameters of the query are refused. Vendors' clients may send some that we do not have."""

    is_no_write: ClassVar[bool] = False
    """Whether whatever is sent changes nothing: then it may have a key, as clients send them with every POST."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        tell_few_faults(self.dependant)
        handle = super().get_route_handler()
        credentials = tuple(credentials_of(self.dependant))
        single, known = single_parameters(self.dependant), known_parameters(self.dependant)
        keeps_if_match = takes(self.dependant, read_if_match)
        keeps_key = self.is_no_write or takes(self.dependant, idempotency_key)
        takes_json = self.body_field is not None and not isinstance(self.body_field.field_info, params.Form)

        async def handle_strictly(request: Request) -> Response:
            sender = None
            for credential in credentials:
                sender = await credential.identify(request)
            require_kept(request, keeps_if_match=keeps_if_match, keeps_key=keeps_key)
            limit = self.max_body_bytes or getattr(request.app.state, "max_body_bytes", None)
            space = getattr(request.app.state, "room", None)
            strict = StrictRequest(request.scope, request.receive, max_bytes=limit, sender=sender, room=space)
            strict.require_size()
            require_each_once(request.scope["query_string"], single)
            if self.knows_its_parameters and request.scope["query_string"]:
                require_known(request.scope["query_string"], known)
            if _has_body(request.headers):
                require_plain_transfer(request.headers.getlist("transfer-encoding"))
                coding_of(request.headers.getlist("content-encoding"))
                if takes_json:
                    require_json(request.headers.getlist("content-type"))
            return await handle(strict)

        return handle_strictly


class NativeRoute(StrictRoute):
    """A route of our own interface."""

    knows_its_parameters = True


class TokenRoute(StrictRoute):
    """A route for clients without a token. The body with which they ask for one is small."""

    max_body_bytes = 4_096
    is_no_write = True


def _has_body(headers: Mapping[str, str]) -> bool:
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers


def require_plain_transfer(lines: Sequence[str]) -> None:
    """Raise UnsupportedMediaType for a transfer coding besides chunked (RFC 9112, 7): it would not be decoded."""
    if strange := {name.strip().lower() for line in lines for name in line.split(",")} - {"", "chunked"}:
        sent = ", ".join(sorted(strange))[:255]
        raise UnsupportedMediaType(
            f"Name a coding of the body as its Content-Encoding; its Transfer-Encoding is {sent}"
        )


def require_json(content_types: Sequence[str]) -> None:
    """Raise UnsupportedMediaType unless the type is application/json or application/…+json."""
    media_type = media_type_of(content_types)
    if media_type != "application/json" and not (
        media_type.startswith("application/") and media_type.endswith("+json")
    ):
        sent = f"it came as {media_type}" if media_type else "it came without one"
        raise UnsupportedMediaType(f"Send the body with the header Content-Type: application/json; {sent}")


def media_type_of(content_types: Sequence[str]) -> str:
    """Return the media type that these lines of Content-Type name, in small letters; empty if there is none.

    Raises UnsupportedMediaType if they differ: others may have read the body by the other one.
    """
    if len(set(content_types)) > 1:
        raise UnsupportedMediaType("Send the header Content-Type once; it came twice with different values")
    return content_types[0].partition(";")[0].strip().lower() if content_types else ""


async def services(request: Request) -> Services:
    """Return the services that answer a request."""
    return services_of(request)


ServicesDep = Annotated[Services, Depends(services)]

_KeyHeader = Annotated[
    str | None,
    StringConstraints(min_length=1, max_length=255, pattern=r"^[ -~]+$"),
    Header(
        alias="Idempotency-Key",
        description="Send the same key with the same request again, and it is answered as the first time.",
    ),
]


async def idempotency_key(request: Request, key: _KeyHeader = None) -> IdempotencyKey | None:
    """Return the request's key, with a fingerprint of its method, path, query and body."""
    if key is None:
        return None
    fingerprint = sha256(f"{request.method} {request.url.path}?{request.url.query}\n".encode())
    fingerprint.update(await request.body())
    return IdempotencyKey(key, fingerprint.digest())


KeyDep = Annotated[IdempotencyKey | None, Depends(idempotency_key)]


@lru_cache(maxsize=256)
def _raw_name(name: str) -> bytes:
    """Return the name of a header, or a media type, as it is sent."""
    return name.lower().encode("latin-1")


class Json(Response):
    """An answer in JSON, made from plain values or from bytes of JSON. For large answers see api/http/parts.py."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return content if isinstance(content, bytes) else to_json(content)

    def init_headers(self, headers: Mapping[str, str] | None = None) -> None:
        # This does what Starlette does, but does not first search the headers for the length and the type.
        self.raw_headers = raw = [
            (b"content-length", b"%d" % len(self.body)),
            (b"content-type", _raw_name(self.media_type)),
        ]
        if headers:
            for name, value in headers.items():
                raw.append((_raw_name(name), value.encode("latin-1")))


def written(result: Recorded) -> dict[str, str]:
    """Return the headers about what a request recorded."""
    headers = {"Ordertrail-Position": str(result.position)}
    if result.is_replayed:
        headers["Idempotency-Replayed"] = "true"
    return headers


async def read(services: Services, caller: Caller, *views: str, cursor: int | None = None) -> dict[str, str]:
    """Wait until these views show what was written before the request; return headers that tell how far they are.

    Raises BeyondHead if the page that is asked for begins at a position that the ledger has not come to.
    """
    freshness = await services.queries.fresh(caller.tenant.name, *views)
    freshness.require_reached(cursor)
    return freshness_said(freshness)


def freshness_said(freshness: Freshness) -> dict[str, str]:
    """Return the headers about the freshness of the views that a request reads."""
    headers = {"Ordertrail-Position": str(freshness.position)}
    if freshness.lag:
        headers["Ordertrail-Lag"] = str(freshness.lag)
    if (exchange := current_exchange()) is not None:
        exchange.freshness = headers
    return headers


def freshness_headers() -> Mapping[str, str]:
    """Return this request's freshness headers. A 404 from views that lag must say that they lag."""
    exchange = current_exchange()
    return {} if exchange is None else exchange.freshness


def forget_freshness() -> None:
    """Forget this request's freshness headers, because it is answered anew."""
    if (exchange := current_exchange()) is not None:
        exchange.freshness = {}
