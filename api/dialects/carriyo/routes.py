"""Carriyo's routes. Their requests are JSON unless they say otherwise."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response

from api.http.requests import StrictRoute, TokenRoute


class JsonByDefaultRoute(StrictRoute):
    """A route that reads a body without Content-Type as JSON, which is the vendor's default for that header."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_json(request: Request) -> Response:
            if "content-type" not in request.headers:
                headers = [*request.scope["headers"], (b"content-type", b"application/json")]
                request = Request({**request.scope, "headers": headers}, request.receive)
            return await handle(request)

        return handle_json


class JsonByDefaultTokenRoute(JsonByDefaultRoute, TokenRoute):
    """Such a route for clients that have no token yet."""
