"""Lean routes: a well-formed request goes straight to its endpoint; any other takes the framework's way.

The framework takes several times as long as an endpoint to find its route, to solve its dependencies and to validate
what it is sent. A lean route makes the same checks, worked out once from the endpoint's signature. What it does not
accept it hands on untouched, before anything was done: so a request is refused in one place, with one wording.
"""

import inspect
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Annotated, Any, NamedTuple, get_args, get_origin, get_type_hints
from urllib.parse import parse_qsl

from fastapi import FastAPI, Response, params
from fastapi.security.base import SecurityBase
from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from api.requests import StrictRequest, begin_request, require_json

Endpoint = Callable[..., Awaitable[Response]]
Render = Callable[[Request, Exception], Response]


class Lean(NamedTuple):
    """An endpoint that is worth a way of its own: it is also an ordinary route, with this method and path."""

    method: str
    path: str
    endpoint: Endpoint


class _NotLean(Exception):
    """This request is for the framework."""


_Reader = Callable[[StrictRequest], Any]
"""Returns the value of a parameter for a request, or, of a dependency, an awaitable of it."""


class _Call:
    """A function whose arguments are read from requests."""

    def __init__(self, function: Callable[..., Any], path_names: frozenset[str]) -> None:
        self._function = function
        hints = get_type_hints(function, include_extras=True)
        parameters = inspect.signature(function).parameters.values()
        readers = [(p.name, *_reader(p, hints[p.name], path_names)) for p in parameters]
        self._values = [(name, read) for name, is_dependency, read in readers if not is_dependency]
        self._dependencies = [(name, read) for name, is_dependency, read in readers if is_dependency]

    async def arguments(self, request: StrictRequest) -> dict[str, Any]:
        """Return the function's arguments. Raises if the request is not as it should be: dependencies go first."""
        arguments = {name: await read(request) for name, read in self._dependencies}
        for name, read in self._values:
            arguments[name] = read(request)
        return arguments

    async def value(self, request: StrictRequest) -> Any:
        """Return what the function, a dependency, returns; it is asked once for each request."""
        solved = request.solved
        if self._function not in solved:
            solved[self._function] = await self._function(**await self.arguments(request))
        return solved[self._function]


def _reader(parameter: inspect.Parameter, hint: Any, path_names: frozenset[str]) -> tuple[bool, _Reader]:
    """Return whether a parameter is a dependency, and how it is read."""
    marks = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
    for mark in marks:
        if isinstance(mark, params.Depends):
            # Security schemes stand in signatures for the documentation; the credential is read by what takes them.
            is_scheme = isinstance(mark.dependency, SecurityBase)
            assert mark.dependency is not None
            return not is_scheme, (lambda _: None) if is_scheme else _Call(mark.dependency, path_names).value
    if hint is Request:
        return False, lambda request: request
    return False, _value_reader(parameter, TypeAdapter(hint).validate_python, marks, path_names)


def _value_reader(
    parameter: inspect.Parameter, validate: Callable[[Any], Any], marks: Iterable[Any], path_names: frozenset[str]
) -> _Reader:
    name, default = parameter.name, parameter.default
    if name in path_names:
        return lambda request: validate(request.scope["path_params"][name])
    for mark in marks:
        if isinstance(mark, params.Header):
            header = mark.alias or name.replace("_", "-")
            return lambda request: default if (sent := request.headers.get(header)) is None else validate(sent)
        if isinstance(mark, params.Query):
            return lambda request: validate(_query(request))
    return lambda request: validate(request.strict_json())


def _query(request: Request) -> dict[str, str]:
    """Return the query's parameters. Raises _NotLean if one comes twice."""
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
        self.arguments = _Call(lean.endpoint, path_names).arguments
        self.has_body = lean.method in {"POST", "PUT", "PATCH"}


class LeanRoutes:
    """An ASGI application before the framework's. Its requests pass none of the framework's middleware."""

    def __init__(self, app: FastAPI, leans: Iterable[Lean], *, max_body_bytes: int, render: Render) -> None:
        self._app = app
        self._routes = [_Route(lean) for lean in leans]
        self._max_body_bytes = max_body_bytes
        self._render = render

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            for route in self._routes:
                if route.method == scope["method"] and (found := route.match(scope["path"])):
                    await self._answer(route, found.groupdict(), scope, receive, send)
                    return
        await self._app(scope, receive, send)

    async def _answer(
        self, route: _Route, path_params: dict[str, str], scope: Scope, receive: Receive, send: Send
    ) -> None:
        received: list[Message] = []
        request = StrictRequest({**scope, "app": self._app, "path_params": path_params})
        try:
            if route.has_body:
                request.set_body(await self._body(request, receive, received))
            arguments = await route.arguments(request)
        except Exception:  # whatever it is, the framework finds it as well, and says what it is
            await self._app(scope, _again(received, receive), send)
            return
        begin_request()
        try:
            response = await route.endpoint(**arguments)
        except Exception as error:
            response = self._render(request, error)
        await response(scope, receive, send)

    async def _body(self, request: Request, receive: Receive, received: list[Message]) -> bytes:
        """Read the body, keeping what was received. Raises if it is not JSON by its headers, or too large."""
        headers = request.headers
        require_json(headers.get("content-type", ""))
        if int(headers.get("content-length", "-1")) not in range(1, self._max_body_bytes + 1):
            raise _NotLean
        while True:
            message = await receive()
            received.append(message)
            if message["type"] != "http.request":
                raise _NotLean
            if not message.get("more_body", False):
                return received[0]["body"] if len(received) == 1 else b"".join(m["body"] for m in received)


def _again(received: list[Message], receive: Receive) -> Receive:
    """Return what receives the same once more, and then goes on."""
    messages: Iterator[Message] = iter(received)

    async def receive_again() -> Message:
        return next(messages, None) or await receive()

    return receive_again
