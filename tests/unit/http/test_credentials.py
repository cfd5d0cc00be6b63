"""Who sends a request is found out once, first of all, whichever way the request takes."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI, Request, Response
from pydantic import BaseModel

from api.http.credentials import Authentication
from api.http.hot import HotRoutes, hot
from api.http.reading.headers import Headers
from api.http.requests import Json, StrictRoute
from application.access.callers import Caller, Tenant
from domain.errors import Unauthenticated
from tests.builders import ACME

ME = Caller(Tenant(ACME, is_implicit=False, dintero_account=None), "key", "Me", ("admin",))


class Thing(BaseModel):
    size: int


class Asked(list[str | None]):
    """The senders who were asked for, and what is known without asking: a sender, or what is wrong with them."""

    known: Caller | Exception | None = None


async def _asked(request: Request) -> Asked:
    asked: Asked = request.app.state.opening.require()
    return asked


def _known(asked: Any, _headers: Headers) -> Caller | None:
    if isinstance(asked.known, Exception):
        raise asked.known
    known: Caller | None = asked.known
    return known


@partial(Authentication, known=_known)
async def _caller(request: Request, services: Annotated[Asked, Depends(_asked)]) -> Caller:
    services.append(request.headers.get("authorization"))
    if request.headers.get("authorization") != "me":
        raise Unauthenticated
    return ME


async def put_thing(
    body: Thing, caller: Annotated[Caller, Depends(_caller)], again: Annotated[Caller, Depends(_caller)]
) -> Json:
    assert caller is again is ME
    return Json({"size": body.size})


@hot
async def put_hot_thing(body: Thing, caller: Annotated[Caller, Depends(_caller)]) -> Json:
    assert caller is ME
    return Json({"size": body.size})


def _refused(_request: Request, error: Exception) -> Response:
    return Response(str(error), status_code=401)


class App:
    """An application of two routes, and whom it was asked for."""

    def __init__(self) -> None:
        framework = FastAPI()
        framework.router.route_class = StrictRoute
        self.asked = Asked()
        framework.state.opening = self
        framework.put("/things")(put_thing)
        framework.put("/hot/things")(put_hot_thing)
        framework.add_exception_handler(Unauthenticated, _refused)
        self.hot = HotRoutes(framework, max_body_bytes=100, render=_refused)

    def require(self) -> Asked:
        return self.asked


@pytest.fixture
def app() -> App:
    return App()


@pytest.fixture
async def http(app: App) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app.hot), base_url="http://t") as client:
        yield client


@pytest.mark.parametrize("path", ["/things", "/hot/things"])
@pytest.mark.parametrize(
    ("content", "status"),
    [(b'{"size": 3}', 200), (b'{"size": "big"}', 422), (b"{", 400), (b'{"size": 3}' + b" " * 200, 200)],
)
async def test_a_caller_is_found_out_once(
    app: App, http: httpx.AsyncClient, path: str, content: bytes, status: int
) -> None:
    headers = {"Authorization": "me", "Content-Type": "application/json"}

    response = await http.put(path, content=content, headers=headers)

    assert response.status_code == status
    assert app.asked == ["me"]


@pytest.mark.parametrize("path", ["/things", "/hot/things"])
async def test_of_an_unknown_callers_request_nothing_is_read(app: App, http: httpx.AsyncClient, path: str) -> None:
    read = []

    async def content() -> AsyncIterator[bytes]:
        read.append("something")
        yield b"{"

    response = await http.put(path, content=content(), headers={"Authorization": "you"})

    assert (response.status_code, response.text) == (401, "No valid credential was given.")
    assert app.asked == ["you"]
    assert read == []


async def test_a_sender_who_was_determined_a_moment_ago_is_known(app: App, http: httpx.AsyncClient) -> None:
    app.asked.known = ME

    response = await http.put("/hot/things", json={"size": 3}, headers={"Authorization": "me"})

    assert (response.json(), app.asked) == ({"size": 3}, [])


@pytest.mark.parametrize("more", ["me", "you"])
async def test_who_sends_a_credential_twice_is_determined_anew(app: App, http: httpx.AsyncClient, more: str) -> None:
    app.asked.known = ME
    headers = [("Authorization", "me"), ("Authorization", more), ("Content-Type", "application/json")]

    await http.put("/hot/things", content=b'{"size": 3}', headers=headers)

    assert len(app.asked) == 1


async def test_a_known_sender_is_not_determined_by_the_ordinary_route(app: App, http: httpx.AsyncClient) -> None:
    app.asked.known = ME

    response = await http.put("/hot/things", json={"size": "x"}, headers={"Authorization": "me"})

    assert (response.status_code, app.asked) == (422, [])


async def test_what_is_wrong_with_a_known_sender_is_answered(app: App, http: httpx.AsyncClient) -> None:
    app.asked.known = Unauthenticated("It is for another audience")

    response = await http.put("/hot/things", json={"size": 3}, headers={"Authorization": "me"})

    assert (response.status_code, response.text) == (401, "It is for another audience")
