"""What all routes of pages share: forms are only taken from our own pages, and are read strictly."""

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import parse_qsl

from fastapi import Request, Response
from fastapi.routing import APIRoute

from api.http.credentials import credentials_of
from api.http.problems import Fault, InvalidRequest, TooLarge
from api.web.security import require_own_form
from api.web.showing.moments import read_zone
from api.web.visits import begin_visit, note_visitor

MAX_FORM_BYTES = 64 * 1024
MAX_FIELDS = 50


class PageRoute(APIRoute):
    """A route that knows who asks before it reads anything else."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        credentials = tuple(credentials_of(self.dependant))

        async def handle_page(request: Request) -> Response:
            read_zone(request)
            begin_visit(request)
            if request.method not in {"GET", "HEAD"}:
                require_own_form(request)
            for credential in credentials:
                note_visitor(await credential.identify(request))
            return await handle(request)

        return handle_page


async def form_of(request: Request) -> dict[str, str]:
    """Return the fields of a form that are filled in. Raises TooLarge, InvalidRequest."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_FORM_BYTES:
            raise TooLarge
    return _filled(parse_fields(body.decode("utf-8", "replace"), "body"))


class Asked(dict[str, str]):
    """The filled-in parameters of a page's address; every other one is empty."""

    def __missing__(self, name: str) -> str:
        return ""


def asked(request: Request) -> Asked:
    """Return the parameters of a page's address that are filled in; of several with one name the last counts."""
    return Asked(_filled(parse_fields(request.url.query, "query")))


def parse_fields(text: str, place: str) -> list[tuple[str, str]]:
    """Return names and values. Raises InvalidRequest if there are too many."""
    try:
        return parse_qsl(text, max_num_fields=MAX_FIELDS)
    except ValueError as exc:
        raise InvalidRequest(Fault((place,), f"has more than {MAX_FIELDS} fields", "too_many")) from exc


def _filled(fields: list[tuple[str, str]]) -> dict[str, str]:
    return {name: value.strip() for name, value in fields if value.strip() and "\x00" not in value}
