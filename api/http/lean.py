"""Lean routes: a well-formed request goes straight to its endpoint; any other takes the framework's way.

The framework takes several times as long as an endpoint to find its route, solve its dependencies and validate the
request. A lean route makes the same checks, which are planned once from the endpoint's signature. It first identifies
the sender, and reads the rest only for a known sender. A request that it does not accept is passed on untouched, before
anything was done. So requests are refused in one place, with one wording.
"""

import inspect
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Annotated, Any, NamedTuple, get_args, get_origin, get_type_hints
from urllib.parse import parse_qsl

from fastapi import FastAPI, Response, params
from fastapi.security.base import SecurityBase
from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from api.http.conditions import may_be_refused, read_if_match
from api.http.credentials import Authentication, remembered
from api.http.reading.bodies import MAX_PARAMETERS, json_of
from api.http.requests import begin_request, require_json
from application.runtime.room import AT_ONCE

Endpoint = Callable[..., Awaitable[Response]]
Render = Callable[[Request, Exception], Response]


class Lean(NamedTuple):
    """An endpoint with a way of its own. It is also an ordinary route, with this method and path."""

    method: str
    path: str
    endpoint: Endpoint


class _NotLean(Exception):
    """This request is for the framework."""


class _Received:
    """A request for dependencies, its headers, and the JSON value of its body once it was read."""

    __slots__ = ("body", "headers", "request")

    def __init__(self, request: Request, headers: dict[bytes, bytes]) -> None:
        self.request = request
        self.headers = headers
        self.body: Any = None


_Reader = Callable[[_Received], Any]
_Names = tuple[tuple[str, int], ...]
"""The names of a function's parameters, and the places of their values in the list of found values."""


class _Dependency(NamedTuple):
    """The function that gives a value, the place of the value, and the function's parameters."""

    place: int
    ask: Callable[..., Awaitable[Any]]
    names: _Names


class _Step(NamedTuple):
    """A part of an endpoint's arguments: first values are read, then dependencies are called."""

    readers: Sequence[tuple[int, _Reader]]
    dependencies: Sequence[_Dependency]

    async def take(self, received: _Received, found: list[Any]) -> None:
        """Fill its places. Raises if the request is not acceptable."""
        for place, read in self.readers:
            found[place] = read(received)
        for place, ask, names in self.dependencies:
            found[place] = await ask(**{name: found[n] for name, n in names})


class _Arguments:
    """The arguments of an endpoint and of its dependencies, found in two steps: the sender of the request, then the
    rest.
    """

    def __init__(self, endpoint: Endpoint, path_names: frozenset[str]) -> None:
        self._path_names = path_names
        self._readers: list[tuple[int, _Reader]] = []
        self._dependencies: list[_Dependency] = []
        self._places: dict[Callable[..., Any], int] = {}
        self._credentials: dict[Authentication, int] = {}
        self._size = 0
        self.takes_query = False
        self._names = self._plan(endpoint)
        first = self._needed_by(self._credentials.values())
        self.identify, self.take_rest = self._step(first), self._step(set(range(self._size)) - first)

    def blank(self) -> list[Any]:
        """Return empty places for all values."""
        return [None] * self._size

    def of(self, found: list[Any]) -> dict[str, Any]:
        """Return the endpoint's arguments."""
        return {name: found[n] for name, n in self._names}

    def callers(self, found: list[Any]) -> dict[Authentication, Any]:
        """Return the identified senders."""
        return {credential: found[place] for credential, place in self._credentials.items()}

    def asks(self, function: Callable[..., Awaitable[Any]]) -> bool:
        """Return whether the endpoint takes what this dependency finds."""
        return function in self._places

    def _needed_by(self, places: Iterable[int]) -> set[int]:
        """Return these places and all places that are needed to fill them."""
        needed = set(places)
        for each in reversed(self._dependencies):  # a dependency's own arguments were planned before it
            if each.place in needed:
                needed |= {n for _, n in each.names}
        return needed

    def _step(self, places: set[int]) -> _Step:
        return _Step(
            [reader for reader in self._readers if reader[0] in places],
            [dependency for dependency in self._dependencies if dependency.place in places],
        )

    def _plan(self, function: Callable[..., Any]) -> _Names:
        hints = get_type_hints(function, include_extras=True)
        parameters = inspect.signature(function).parameters.values()
        return tuple((parameter.name, self._place(parameter, hints[parameter.name])) for parameter in parameters)

    def _place(self, parameter: inspect.Parameter, hint: Any) -> int:
        """Return the place of a parameter's value."""
        marks = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
        for mark in marks:
            # Security schemes are in signatures for the documentation; the functions that take them read the
            # credential.
            if isinstance(mark, params.Depends) and not isinstance(mark.dependency, SecurityBase):
                assert mark.dependency is not None
                return self._dependency(mark.dependency)
        self.takes_query |= any(isinstance(mark, params.Query) for mark in marks)
        self._readers.append((self._next(), _reader(parameter, hint, marks, self._path_names)))
        return self._size - 1

    def _dependency(self, function: Callable[..., Awaitable[Any]]) -> int:
        """Return the place of a dependency's value. The dependency is called once for each request."""
        if function not in self._places:
            names = self._plan(function)
            self._places[function] = self._next()
            if isinstance(function, Authentication):
                self._credentials[function] = self._places[function]
            ask = function.determine if isinstance(function, Authentication) else function
            self._dependencies.append(_Dependency(self._places[function], ask, names))
        return self._places[function]

    def _next(self) -> int:
        self._size += 1
        return self._size - 1


def _reader(parameter: inspect.Parameter, hint: Any, marks: Iterable[Any], path_names: frozenset[str]) -> _Reader:
    name, default = parameter.name, parameter.default
    if hint is Request:
        return lambda received: received.request
    if any(isinstance(mark, params.Depends) for mark in marks):
        return lambda received: None
    validate = TypeAdapter(hint).validator.validate_python
    if name in path_names:
        return lambda received: validate(received.request.scope["path_params"][name])
    for mark in marks:
        if isinstance(mark, params.Query):
            return lambda received: validate(_query(received.request))
        if isinstance(mark, params.Header):
            header = (mark.alias or name.replace("_", "-")).lower().encode()
            return lambda received: (
                default if (sent := received.headers.get(header)) is None else validate(sent.decode("latin-1"))
            )
    return lambda received: validate(received.body)


def _query(request: Request) -> dict[str, str]:
    """Return the query's parameters. Raises _NotLean if one comes twice, or if there are too many."""
    if request.scope["query_string"].count(b"&") >= MAX_PARAMETERS:
        raise _NotLean
    pairs = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
    query = dict(pairs)
    if len(query) < len(pairs):
        raise _NotLean
    return query


class _Route:
    def __init__(self, lean: Lean) -> None:
        self.method, self.endpoint = lean.method, lean.endpoint
        path_names = frozenset(re.findall(r"{(\w+)}", lean.path))
        self.match = re.compile(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", lean.path)).fullmatch
        self.arguments = _Arguments(lean.endpoint, path_names)
        self.has_body = lean.method in {"POST", "PUT", "PATCH"}
        self.keeps_if_match = self.arguments.asks(read_if_match)
        self.takes_query = self.arguments.takes_query


class LeanRoutes:
    """An ASGI application in front of the framework's. Its requests bypass the framework's middleware."""

    def __init__(self, app: FastAPI, leans: Iterable[Lean], *, max_body_bytes: int, render: Render) -> None:
        self._app = app
        self._routes = [_Route(lean) for lean in leans]
        self._max_body_bytes = max_body_bytes
        self._render = render

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            if scope["method"] == "HEAD":
                scope = {**scope, "method": "GET"}  # the server sends the head of its answer alone
            for route in self._routes:
                if route.method == scope["method"] and (found := route.match(scope["path"])):
                    await self._answer(route, found.groupdict(), scope, receive, send)
                    return
        await self._app(scope, receive, send)

    async def _answer(
        self, route: _Route, path_params: dict[str, str], scope: Scope, receive: Receive, send: Send
    ) -> None:
        messages: list[Message] = []
        request = Request({**scope, "app": self._app, "path_params": path_params}, _again(messages, receive))
        headers = dict(reversed(scope["headers"]))  # if a header comes twice, the framework takes the first
        received, found = _Received(request, headers), route.arguments.blank()
        begin_request()
        try:
            await route.arguments.identify.take(received, found)
        except Exception as error:
            await self._render(request, error)(scope, receive, send)
            return
        try:
            _require_parameters(route, scope["query_string"])
            if route.has_body:
                _require_unconditional(route, headers, lines=len(scope["headers"]))
                received.body = json_of(await self._body(headers, receive, messages))
            await route.arguments.take_rest.take(received, found)
        except Exception:  # the framework will meet the same error, and reports it
            remembered(scope).update(route.arguments.callers(found))
            await self._app(scope, _again(messages, receive), send)
            return
        try:
            response = await route.endpoint(**route.arguments.of(found))
        except Exception as error:
            response = self._render(request, error)
        await response(scope, receive, send)

    async def _body(self, headers: dict[bytes, bytes], receive: Receive, messages: list[Message]) -> bytes:
        """Read the body, keeping its messages. Raises unless it is plain JSON by its headers, and not large."""
        if b"content-encoding" in headers:
            raise _NotLean
        require_json(headers.get(b"content-type", b"").decode("latin-1"))
        if not 1 <= int(headers.get(b"content-length", b"0")) <= min(self._max_body_bytes, AT_ONCE):
            raise _NotLean
        while not messages or messages[-1].get("more_body", False):
            messages.append(await receive())
        return b"".join(message["body"] for message in messages)  # who leaves midway sends one without a body


def _require_parameters(route: _Route, query: bytes) -> None:
    """Raise _NotLean if there is a query that the endpoint does not take, which may have to be refused."""
    if query and not route.takes_query:
        raise _NotLean


def _require_unconditional(route: _Route, headers: dict[bytes, bytes], *, lines: int) -> None:
    """Raise _NotLean if the headers of a write hold conditions that may have to be refused."""
    if may_be_refused(headers, lines=lines, keeps_if_match=route.keeps_if_match):
        raise _NotLean


def _again(messages: list[Message], receive: Receive) -> Receive:
    """Return a receiver that repeats these messages, and then goes on."""
    rest = iter(messages)

    async def receive_again() -> Message:
        return next(rest, None) or await receive()

    return receive_again
