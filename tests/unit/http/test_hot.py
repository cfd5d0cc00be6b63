"""Hot routes answer what is well-formed, and hand everything else to the ordinary route as it came."""

from collections.abc import AsyncIterator
from gzip import compress
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends
from starlette.types import Message

from api.http.hot import HotRoutes, hot
from api.http.requests import Json, KeyDep
from tests.hot_app import MAX_BODY_BYTES, App, CallerDep, Thing

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def app() -> App:
    return App()


@pytest.fixture
async def http(app: App) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app.hot)
    async with httpx.AsyncClient(transport=transport, base_url="http://t", headers={"Authorization": "me"}) as client:
        yield client


async def test_what_is_well_formed_goes_past_the_framework(app: App, http: httpx.AsyncClient) -> None:
    headers = JSON | {"X-Mark": "7", "Idempotency-Key": "k", "If-Match": '"3"'}

    response = await http.put("/things/a", content=b'{"size": 3}', headers=headers)

    told = {"id": "a", "size": 3, "by": "me", "x_mark": 7, "key": "k", "if_match": ["3"]}
    assert (response.json(), app.handed_on) == (told, 0)


async def test_both_ways_fingerprint_a_request_alike(app: App, http: httpx.AsyncClient) -> None:
    seen: list[Any] = []

    async def remember(key: KeyDep, caller: CallerDep, body: Thing) -> Json:
        seen.append(key)
        return Json({})

    app.framework.put("/keys")(hot(remember))
    straight = HotRoutes(app.framework, max_body_bytes=MAX_BODY_BYTES, render=App.render)
    for way in (straight, app.framework):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(way), base_url="http://t") as client:
            headers = {"Authorization": "me", "Idempotency-Key": "k"}
            assert (await client.put("/keys?a=1", json={"size": 3}, headers=headers)).status_code == 200

    assert seen[0] == seen[1] is not None


async def test_an_endpoint_that_takes_what_no_hot_route_reads_is_refused_when_the_server_starts(app: App) -> None:
    async def strange(caller: CallerDep, other: Annotated[str, Depends(_other)]) -> Json:
        return Json({})

    app.framework.get("/strange")(hot(strange))

    with pytest.raises(TypeError, match="GET /strange takes other"):
        HotRoutes(app.framework, max_body_bytes=MAX_BODY_BYTES, render=App.render)


async def _other() -> str:
    return ""


async def test_a_sender_is_identified_once_for_each_request(app: App, http: httpx.AsyncClient) -> None:
    await http.put("/things/a", json={"size": 3})

    assert app.asked == ["caller"]


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
        ("/things/a", b'{"size": 1}' + b" " * MAX_BODY_BYTES, JSON, 200),
        ("/nothing", b'{"size": 1}', JSON, 404),
    ],
)
async def test_everything_else_is_the_frameworks_with_all_that_was_sent(
    app: App, http: httpx.AsyncClient, path: str, body: bytes, headers: dict[str, str], status: int
) -> None:
    straight = await http.put(path, content=body, headers=headers)

    assert (straight.status_code, app.handed_on) == (status, 1)
    transport = httpx.ASGITransport(app.framework)
    async with httpx.AsyncClient(transport=transport, base_url="http://t", headers={"Authorization": "me"}) as direct:
        expected = await direct.put(path, content=body, headers=headers)
    assert (straight.status_code, straight.content) == (expected.status_code, expected.content)


async def test_an_unknown_sender_is_refused_at_once(app: App, http: httpx.AsyncClient) -> None:
    response = await http.put("/things/a", content=b"{", headers={"Authorization": "you"})

    assert (response.status_code, response.text, app.handed_on) == (418, "/things/a: Refused", 0)


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

    await app.hot(scope, receive, send)
    return answered
