"""Lean routes answer what is well-formed, and hand everything else to the framework as it came."""

from collections.abc import AsyncIterator
from gzip import compress
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI, Header, Query, Request, Response
from pydantic import BaseModel, StringConstraints
from starlette.types import Message, Receive, Scope, Send

from api.http.lean import Lean, LeanRoutes
from api.http.problems import InvalidRequest, UnsupportedMediaType
from api.http.requests import Json, StrictRoute

MAX_BODY_BYTES = 1_000
JSON = {"Content-Type": "application/json"}


class Thing(BaseModel):
    size: int
    tags: list[str] = []


class Page(BaseModel):
    limit: int = 10


class Refused(Exception):
    """An error of the application."""


async def _caller(request: Request) -> str:
    request.app.state.asked.append("caller")
    if request.headers.get("authorization") != "me":
        raise Refused
    return "me"


async def _sent(request: Request, caller: Annotated[str, Depends(_caller)]) -> bytes:
    return await request.body()


async def put_thing(
    thing_id: Annotated[str, StringConstraints(max_length=5)],
    body: Thing,
    caller: Annotated[str, Depends(_caller)],
    sent: Annotated[bytes, Depends(_sent)],
    x_mark: Annotated[int | None, Header()] = None,
) -> Json:
    if body.size < 0:
        raise Refused
    return Json({"id": thing_id, "size": body.size, "by": caller, "x_mark": x_mark, "sent": len(sent)})


async def list_things(query: Annotated[Page, Query()]) -> Json:
    return Json({"limit": query.limit})


class App:
    """An application with lean routes, and how many requests its framework was handed."""

    def __init__(self) -> None:
        self.framework = FastAPI()
        self.framework.router.route_class = StrictRoute
        self.framework.state.asked = []
        self.framework.put("/things/{thing_id}")(put_thing)
        self.framework.get("/things")(list_things)
        for error, status in ((Refused, 403), (UnsupportedMediaType, 415), (InvalidRequest, 422)):
            self.framework.add_exception_handler(
                error, lambda _, exc, status=status: Response(str(exc), status_code=status)
            )
        self.framework.add_middleware(self._count)  # type: ignore[arg-type]
        self.handed_on = 0
        leans = [Lean("PUT", "/things/{thing_id}", put_thing), Lean("GET", "/things", list_things)]
        self.lean = LeanRoutes(self.framework, leans, max_body_bytes=MAX_BODY_BYTES, render=self._render)

    def _count(self, app: Any) -> Any:
        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            self.handed_on += 1
            await app(scope, receive, send)

        return counted

    @staticmethod
    def _render(request: Request, error: Exception) -> Response:
        return Response(f"{request.url.path}: {type(error).__name__}", status_code=418)


@pytest.fixture
def app() -> App:
    return App()


@pytest.fixture
async def http(app: App) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app.lean)
    async with httpx.AsyncClient(transport=transport, base_url="http://t", headers={"Authorization": "me"}) as client:
        yield client


async def test_what_is_well_formed_goes_past_the_framework(app: App, http: httpx.AsyncClient) -> None:
    response = await http.put("/things/a", content=b'{"size": 3}', headers=JSON | {"X-Mark": "7"})

    assert response.json() == {"id": "a", "size": 3, "by": "me", "x_mark": 7, "sent": 11}
    assert app.handed_on == 0


async def test_a_dependency_is_asked_once_for_each_request(app: App, http: httpx.AsyncClient) -> None:
    await http.put("/things/a", json={"size": 3})

    assert app.framework.state.asked == ["caller"]


async def test_a_query_is_read_with_its_defaults(app: App, http: httpx.AsyncClient) -> None:
    answers = [(await http.get("/things", params=params)).json() for params in ({}, {"limit": "3"})]

    assert answers == [{"limit": 10}, {"limit": 3}]
    assert app.handed_on == 0


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        ("/things/a", b'{"size": "big"}', JSON, 422),
        ("/things/a", b'{"size": NaN}', JSON, 400),
        ("/things/a", b"{", JSON, 400),
        ("/things/a", b"", JSON, 422),
        ("/things/too-long", b'{"size": 1}', JSON, 422),
        ("/things/a", b'{"size": 1}', JSON | {"X-Mark": "x"}, 422),
        ("/things/a", b'{"size": 1}', {"Content-Type": "text/plain"}, 415),
        ("/things/a", b'{"size": 1}', JSON | {"Content-Encoding": "br"}, 415),
        ("/things/a", compress(b'{"size": 1}', mtime=0), JSON | {"Content-Encoding": "gzip"}, 200),
        ("/things/a", b'{"size": 1, "size": 2}', JSON, 400),
        ("/things/a", b'{"size": 1}', JSON | {"Authorization": "you"}, 403),
        ("/things/a", b'{"size": 1}' + b" " * MAX_BODY_BYTES, JSON, 200),
        ("/nothing", b'{"size": 1}', JSON, 404),
    ],
)
async def test_everything_else_is_the_frameworks_with_all_that_was_sent(
    app: App, http: httpx.AsyncClient, path: str, body: bytes, headers: dict[str, str], status: int
) -> None:
    lean = await http.put(path, content=body, headers=headers)

    assert (lean.status_code, app.handed_on) == (status, 1)
    transport = httpx.ASGITransport(app.framework)
    async with httpx.AsyncClient(transport=transport, base_url="http://t", headers={"Authorization": "me"}) as direct:
        expected = await direct.put(path, content=body, headers=headers)
    assert (lean.status_code, lean.content) == (expected.status_code, expected.content)


async def test_a_parameter_that_comes_twice_is_the_frameworks(app: App, http: httpx.AsyncClient) -> None:
    response = await http.get("/things?limit=3&limit=4")

    assert (response.status_code, response.text) == (422, "query.limit: is sent more than once")
    assert app.handed_on == 1


async def test_what_an_endpoint_raises_is_rendered(app: App, http: httpx.AsyncClient) -> None:
    response = await http.put("/things/a", json={"size": -1})

    assert (response.status_code, response.text) == (418, "/things/a: Refused")
    assert app.handed_on == 0


async def test_a_body_in_pieces_is_read_to_its_end(app: App) -> None:
    answered = await _put(app, b'{"si', b'ze": ', b"42}")

    assert b'"size":42' in answered[-1]["body"]
    assert app.handed_on == 0


async def test_the_framework_receives_the_pieces_again(app: App) -> None:
    answered = await _put(app, b'{"si', b'ze": ', b'"x"}')

    assert answered[0]["status"] == 422
    assert app.handed_on == 1


async def _put(app: App, *pieces: bytes) -> list[Message]:
    length = str(sum(map(len, pieces))).encode()
    headers = [(b"authorization", b"me"), (b"content-type", b"application/json"), (b"content-length", length)]
    scope = {"type": "http", "method": "PUT", "path": "/things/a", "query_string": b"", "headers": headers}
    messages = iter([{"type": "http.request", "body": piece, "more_body": piece != pieces[-1]} for piece in pieces])
    answered: list[Message] = []

    async def receive() -> Message:
        return next(messages)

    async def send(message: Message) -> None:
        answered.append(message)

    await app.lean(scope, receive, send)
    return answered
