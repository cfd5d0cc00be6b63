"""Hot routes: the most frequent requests go straight to their endpoints.

The framework takes several times as long as an endpoint to find its route, solve its dependencies and validate the
request. A hot route is an ordinary route whose endpoint is marked with `@hot`. Its endpoint takes what most endpoints
take, and each of that is read in one fixed order: the sender first, then the body, then the rest. A request that is not
accepted here is passed on untouched to the ordinary route, before anything was done. So requests are refused in one
place, with one wording.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar
from urllib.parse import parse_qsl

from fastapi import FastAPI, Response
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from api.http.conditions import IF_MATCH, KEY, SAFE_METHODS, may_be_refused, read_if_match
from api.http.credentials import Authentication, remembered
from api.http.opening import services_in
from api.http.reading.bodies import MAX_PARAMETERS, json_of
from api.http.reading.headers import Headers, headers_of, is_each_once
from api.http.requests import idempotency_key, require_json, services
from api.services import Services
from application.access.callers import Caller
from application.runtime.room import AT_ONCE

E = TypeVar("E", bound=Callable[..., Any])
Render = Callable[[Request, Exception], Response]
ReadBody = Callable[[], Awaitable[bytes]]

_MARK = "is_hot"


def hot(endpoint: E) -> E:
    """Mark an endpoint, below the decorator that makes it a route: its route is hot.

    It takes an Authentication. It may take the request, the names in its path, one query model, one JSON body, headers,
    the services, the Idempotency-Key and If-Match; nothing else.
    """
    setattr(endpoint, _MARK, True)
    return endpoint


class _Passed(Exception):
    """This request is for the ordinary route."""


class _Field(NamedTuple):
    """A parameter of the endpoint: its name there, the name that requests have for it, and what validates it."""

    name: str
    sent_as: str
    validate: Callable[[Any], Any]
    default: Any = None


class HotRoute:
    """What the endpoint of a hot route takes, as the framework has read it from the endpoint's signature."""

    def __init__(self, route: APIRoute) -> None:
        """Raises TypeError if the endpoint takes something that hot routes do not read."""
        takes = route.dependant
        [self.method] = (route.methods or set()) - {"HEAD"}
        self.is_write = self.method not in SAFE_METHODS
        self.path = route.path
        self.path_regex = route.path_regex
        self.endpoint = route.endpoint
        self.path_fields = _fields(takes.path_params)
        self.header_fields = [(field, field.sent_as.lower().encode()) for field in _fields(takes.header_params)]
        self.query = next(iter(_fields(takes.query_params)), None)
        self.body = None if route.body_field is None else _field(route.body_field)
        self.request_name = takes.request_param_name
        self.is_straight = self.is_write and self.request_name is None
        """Whether the server may answer it without the application."""
        self.services_name = self.if_match_name = None
        self.key_name = ""
        self._key: _Field | None = None
        credentials: list[tuple[str, Authentication]] = []
        for dependency in takes.dependencies:
            if isinstance(dependency.call, Authentication):
                credentials.append((dependency.name or "", dependency.call))
            elif dependency.call is services:
                self.services_name = dependency.name
            elif dependency.call is idempotency_key:
                self.key_name = dependency.name or ""
                [self._key] = _fields(dependency.header_params)
            elif dependency.call is read_if_match:
                self.if_match_name = dependency.name
            else:
                raise TypeError(f"{self.method} {self.path} takes {dependency.name}, which no hot route reads")
        [(self.caller_name, self.authentication)] = credentials
        if len(takes.query_params) > 1 or takes.cookie_params:
            raise TypeError(f"{self.method} {self.path} takes parameters that no hot route reads")
        self._defaults: dict[str, Any] = {field.name: field.default for field, _ in self.header_fields}
        if self._key is not None:
            self._defaults[self.key_name] = None
        if self.if_match_name is not None:
            self._defaults[self.if_match_name] = None

    async def arguments(
        self, scope: Scope, receive: Receive, headers: Headers, caller: Caller, services: Services, body: Any
    ) -> dict[str, Any]:
        """Return the endpoint's arguments. Raises if something does not have the form that the endpoint takes."""
        found: dict[str, Any] = {**self._defaults, self.caller_name: caller}
        if self.services_name is not None:
            found[self.services_name] = services
        if self.request_name is not None:
            found[self.request_name] = Request(scope, receive)
        path = scope["path_params"]
        for name, sent_as, validate, _ in self.path_fields:
            found[name] = validate(path[sent_as])
        if self.body is not None:
            found[self.body.name] = self.body.validate(body)
        if self.query is not None:
            found[self.query.name] = self.query.validate(_query(scope["query_string"]))
        for field, header in self.header_fields:
            if (sent := headers.get(header)) is not None:
                found[field.name] = field.validate(sent.decode("latin-1"))
        if self._key is not None and (sent := headers.get(_KEY)) is not None:
            found[self.key_name] = await idempotency_key(
                Request(scope, receive), self._key.validate(sent.decode("latin-1"))
            )
        if self.if_match_name is not None and _IF_MATCH in headers:
            found[self.if_match_name] = await read_if_match(Request(scope, receive))
        return found


_KEY, _IF_MATCH = KEY.lower().encode(), IF_MATCH.lower().encode()
_JSON = b"application/json"


def hot_routes(app: FastAPI) -> list[HotRoute]:
    """Return the hot routes of an application."""
    return [HotRoute(route) for route in app.routes if isinstance(route, APIRoute) and hasattr(route.endpoint, _MARK)]


def _fields(fields: Sequence[Any]) -> tuple[_Field, ...]:
    return tuple(map(_field, fields))


def _field(field: Any) -> _Field:
    """Return a parameter that the framework has read from a signature. A model of a query is one."""
    default = None if field.field_info.is_required() else field.get_default()
    adapter = field._type_adapter  # noqa: SLF001 what the framework validates with, after several detours
    return _Field(field.name, field.alias, adapter.validator.validate_python, default)


def _query(text: bytes) -> dict[str, str]:
    """Return the query's parameters. Raises _Passed if one comes twice, or if there are too many."""
    if text.count(b"&") >= MAX_PARAMETERS:
        raise _Passed
    pairs = parse_qsl(text.decode("latin-1"), keep_blank_values=True)
    query = dict(pairs)
    if len(query) < len(pairs):
        raise _Passed
    return query


class Found(NamedTuple):
    """The route of a request, and what its path holds."""

    route: HotRoute
    path_params: dict[str, str]


class HotRoutes:
    """An ASGI application in front of the framework's. Its requests bypass the framework's middleware."""

    def __init__(self, app: FastAPI, *, max_body_bytes: int, render: Render) -> None:
        self._app = app
        self._routes: dict[str, list[HotRoute]] = defaultdict(list)
        for route in hot_routes(app):
            self._routes[route.method].append(route)
        self._max_body_bytes = min(max_body_bytes, AT_ONCE)
        self._render = render

    def find(self, scope: Mapping[str, Any]) -> Found | None:
        """Return the hot route of a request; None if there is none, or if it was tried already."""
        if "route" not in scope:
            for route in self._routes.get(scope["method"], ()):
                if (found := route.path_regex.match(scope["path"])) is not None:
                    return Found(route, found.groupdict())
        return None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or (found := self.find(scope)) is None:
            await self._app(scope, receive, send)
            return
        messages: list[Message] = []
        again = _again(messages, receive)
        response = await self.respond(found, scope, headers_of(scope), again, lambda: _read(receive, messages))
        await (response or self._app)(scope, _again(messages, receive), send)

    async def respond(
        self, found: Found, scope: Scope, headers: Headers, receive: Receive, read: ReadBody
    ) -> Response | None:
        """Return the answer to a request; None if it is for the ordinary route, and nothing was done.

        receive is for those who want the request as the framework has it.
        """
        route, path_params = found
        scope["app"], scope["route"], scope["path_params"] = self._app, route, path_params
        is_once = is_each_once(headers, scope)
        try:
            services = services_in(scope)
            caller = route.authentication.known(scope, services, headers) if is_once else None
            if caller is None:
                caller = await route.authentication.ask(Request(scope, receive), services)
        except Exception as error:
            return self._render(Request(scope, receive), error)
        try:
            if route.query is None and scope["query_string"]:
                raise _Passed  # noqa: TRY301 parameters that it does not take may have to be refused
            body = None
            if route.is_write:
                if may_be_refused(headers, is_each_once=is_once, keeps_if_match=route.if_match_name is not None):
                    raise _Passed  # noqa: TRY301 conditions that may have to be refused
                self._require_plain(headers)
                body = json_of(await read())
            arguments = await route.arguments(scope, receive, headers, caller, services, body)
        except Exception:  # the ordinary route will meet the same error, and reports it
            remembered(scope)[route.authentication] = caller
            return None
        try:
            response: Response = await route.endpoint(**arguments)
        except Exception as error:
            return self._render(Request(scope, receive), error)
        return response

    def _require_plain(self, headers: Headers) -> None:
        """Raise unless the body is plain JSON by its headers, and not large."""
        if b"content-encoding" in headers:
            raise _Passed
        if (sent_as := headers.get(b"content-type", b"")) != _JSON:
            require_json([sent_as.decode("latin-1")])
        if not 1 <= int(headers.get(b"content-length", b"0")) <= self._max_body_bytes:
            raise _Passed


async def _read(receive: Receive, messages: list[Message]) -> bytes:
    """Read a body, keeping its messages."""
    message = await receive()
    messages.append(message)
    while message.get("more_body", False):
        message = await receive()
        messages.append(message)
    return b"".join([message["body"] for message in messages])  # who leaves midway sends one without a body


def _again(messages: list[Message], receive: Receive) -> Receive:
    """Return a receiver that repeats these messages, and then goes on."""
    rest = iter(messages)

    async def receive_again() -> Message:
        return next(rest, None) or await receive()

    return receive_again
