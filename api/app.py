"""The HTTP application: five dialects over one set of services."""

import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route

from api.dialects.carriyo import dialect as carriyo
from api.dialects.dintero import dialect as dintero
from api.dialects.sendcloud import dialect as sendcloud
from api.dialects.shopline import dialect as shopline
from api.http.dialect import Dialect
from api.http.exchange import Exchanges, Observe, current_exchange
from api.http.hot import HotRoutes
from api.http.observation import health
from api.http.observation.looks import Looks
from api.http.observation.measured import REQUESTS
from api.http.opening import Opening
from api.http.problems import Kind, problem_of, without_promise
from api.http.rate_limit import RateLimiter, RateLimits
from api.http.requests import freshness_headers
from api.native import dialect as native
from api.web import dialect as web
from application.delivery.streams import Streams
from application.runtime.outage_log import told
from application.runtime.room import Room
from domain.errors import Misconfigured, OrdertrailError, OutcomeUnknown, Unavailable

_log = logging.getLogger(__name__)

DIALECTS: tuple[Dialect, ...] = (
    carriyo.TOKENS,
    carriyo.DIALECT,
    shopline.DIALECT,
    sendcloud.DIALECT,
    dintero.DIALECT,
    native.DIALECT,
    web.PROOFS,
    web.DIALECT,
)

DESCRIPTION = """
The place where everything that happens to an order is kept.

Each section is one dialect: four vendors' interfaces as their clients know them, and our own under `/trail/v1`.
Create a credential with `ordertrail key create --tenant NAME`, press *Authorize*, and try the examples.
"""


def create_app(
    open_services: Callable[[], AbstractAsyncContextManager[Opening]],
    *,
    max_body_bytes: int,
    rate_limits: RateLimits | None = None,
    room: Room | None = None,
    public_url: str | None = None,
    streams: Streams | None = None,
) -> FastAPI:
    """Return the application, which opens its services when it starts. room is for large requests and answers.

    public_url is the address that links in answers have; without it, that of the socket. streams are what the
    owner of the process ends before it ends itself.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_services() as opening:
            app.state.opening = opening
            yield

    routers = [router for dialect in DIALECTS for router in dialect.routers]
    app = FastAPIOffline(
        title="Ordertrail",
        version="1",
        description=DESCRIPTION,
        # Use the routes as they are: including a router builds each of its routes again, which takes as long as it did
        # at first.
        routes=[route for router in (*routers, health.router) for route in router.routes],
        lifespan=lifespan,
        redirect_slashes=False,
        # The framework sees only requests that are not hot, and would log what their senders sent.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.rate_limiter = RateLimiter(rate_limits or {})
    app.state.max_body_bytes = max_body_bytes
    app.state.room = room
    app.state.public_url = public_url
    app.state.looks = Looks()
    app.state.streams = streams or Streams()
    for error in (OrdertrailError, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(error, answer)
    return app


def with_hot_routes(app: FastAPI, *, max_body_bytes: int, observe: Observe = REQUESTS.observe) -> Exchanges:
    """Return the application with a straight way for the most frequent requests, and a context for each request."""
    REQUESTS.know(routes_of(app))
    return Exchanges(HotRoutes(app, max_body_bytes=max_body_bytes, render=answer), observe, answer)


def routes_of(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Yield the methods and paths that are measured: those of our interfaces."""
    for route in app.routes:
        if isinstance(route, APIRoute):
            yield from ((method, route.path) for method in sorted(route.methods or ()))


def answer(request: Request, error: Exception) -> Response:
    """Answer an error in the dialect of the path it happened on."""
    if isinstance(error, HTTPException) and error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        error.headers = {"Allow": ", ".join(methods_at(request))}
    problem = problem_of(error)
    _tell(request, error, problem.kind)
    if (exchange := current_exchange()) is not None and exchange.may_have_written:
        problem = without_promise(problem)
    response = dialect_of(request.url.path).render(problem)
    response.headers.update({**freshness_headers(), **problem.headers})
    return response


def refused(path: str, error: Exception) -> Response:
    """Return the answer to a request that nobody has begun to answer, in the dialect of its path."""
    problem = problem_of(error)
    response = dialect_of(path).render(problem)
    response.headers.update(problem.headers)
    return response


def _tell(request: Request, error: Exception, kind: Kind) -> None:
    """Log a request with an error that its sender cannot mend: in one line, or with a traceback if unforeseen."""
    # The path as it was sent, because a decoded one may hold line breaks.
    asked = request.method, request.scope["raw_path"].decode("ascii", "replace")
    cause = error.__cause__ if isinstance(error, HTTPException) else error
    if kind is Kind.INTERNAL:
        _log.error("%s %s failed", *asked, exc_info=error)
    elif isinstance(cause, OutcomeUnknown | Misconfigured) or (isinstance(cause, Unavailable) and not cause.is_told):
        _log.warning("%s %s was refused: %s", *asked, told(cause))


def dialect_of(path: str) -> Dialect:
    """Return the dialect of a path. Every path that belongs to no vendor is ours."""
    return next((d for d in DIALECTS if any(_is_below(path, prefix) for prefix in d.prefixes)), native.DIALECT)


def methods_at(request: Request) -> list[str]:
    """Return the methods that the path of a request takes, whichever routes take them."""
    scope = {**request.scope, "method": ""}
    methods: set[str] = set()
    for route in request.app.routes:
        if isinstance(route, Route) and route.matches(scope)[0] is not Match.NONE:
            methods |= route.methods or set()
    return sorted(methods | {"HEAD"} if "GET" in methods else methods)


def _is_below(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(f"{prefix}/")
