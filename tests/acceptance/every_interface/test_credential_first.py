"""Whoever sends no valid credential is refused before anything of a body is received, in every interface."""

import asyncio
import base64
from contextlib import suppress
from typing import Any, NamedTuple

import httpx
import pytest

from api.app import create_app
from tests.fix_server import Account, Server
from tests.raw_http import Answer, Connection, connected

SENT_LATER = 4 * 2**20
"""More than the server and the system between us take of a body that nobody wants."""
CHUNK = b"10000\r\n" + b"[],1" * 2**14 + b"\r\n"
ENDLESS = {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
TOKENS = ("/oauth/token", "/v1/accounts/{oid}/auth/token")
"""What takes a credential in its body, or as its own."""
PLACES = {
    "{order_id}": "A-1",
    "{id}": "1",
    "{reference}": "A-1",
    "{integration_id}": "1",
    "{aid}": "T12345678",
    "{oid}": "T12345678",
    "{identifier}": "0000000000000000001",
    "{tenant}": "acme",
}


class Operation(NamedTuple):
    method: str
    path: str
    takes_body: bool

    @property
    def address(self) -> str:
        path = self.path
        for place, value in PLACES.items():
            path = path.replace(place, value)
        return path


def operations() -> list[Operation]:
    """Return all operations that ask for a credential."""
    document = create_app(lambda: None, max_body_bytes=1).openapi()  # type: ignore[arg-type, return-value]
    return [
        Operation(method.upper(), path, "requestBody" in described)
        for path, methods in document["paths"].items()
        for method, described in methods.items()
        if "security" in described
    ]


OPERATIONS = operations()
EACH = pytest.mark.parametrize("operation", OPERATIONS, ids=[f"{o.method} {o.path}" for o in OPERATIONS])


def test_every_route_that_takes_a_body_asks_for_a_credential_or_takes_little() -> None:
    document = create_app(lambda: None, max_body_bytes=1).openapi()  # type: ignore[arg-type, return-value]

    without = {
        path
        for path, methods in document["paths"].items()
        for described in methods.values()
        if "requestBody" in described and "security" not in described
    }

    assert without == {"/oauth/token"}


async def _refusal(connection: Connection, operation: Operation, headers: dict[str, str]) -> Answer:
    """Send a request whose body never ends, and return the answer."""
    await connection.begin(operation.method, operation.address, {**ENDLESS, **headers})
    await connection.send(CHUNK)
    return await connection.answer()


@EACH
@pytest.mark.parametrize("credential", [None, "Bearer nonsense", "Bearer ot_1_2", "Basic bm86bm8="])
async def test_a_body_without_end_is_refused_at_once(
    server: Server, operation: Operation, credential: str | None
) -> None:
    headers = {"Authorization": credential} if credential else {}

    async with connected(server.url) as connection:
        answer = await _refusal(connection, operation, headers)
        rest = await connection.end()

    assert answer.status == 401, answer
    assert answer.headers["connection"] == "close"
    assert rest == b""
    async with httpx.AsyncClient(base_url=server.url, headers=headers) as http:
        without_body = await http.request(operation.method, operation.address)
    assert _timeless(without_body.json()) == _timeless(answer.json())


@EACH
async def test_two_credentials_are_none(server: Server, account: Account, operation: Operation) -> None:
    two = [("Authorization", f"Bearer {account.token}"), ("Authorization", "Bearer nonsense")]

    async with httpx.AsyncClient(base_url=server.url) as http:
        answers = [await http.request(operation.method, operation.address, headers=each) for each in (two, two[::-1])]

    assert [answer.status_code for answer in answers] == [401, 401]
    assert "sent twice" in answers[0].text


def _timeless(body: Any) -> Any:
    """Return an answer without the time that Carriyo's errors have."""
    return {name: value for name, value in body.items() if name != "timestamp"}


@EACH
async def test_nobody_is_told_to_go_on_whose_body_is_not_wanted(server: Server, operation: Operation) -> None:
    async with connected(server.url) as connection:
        await connection.begin(operation.method, operation.address, {**ENDLESS, "Expect": "100-continue"})
        answer = await connection.answer()

    assert answer.status == 401


async def test_what_is_not_wanted_is_not_received(server: Server) -> None:
    sent = 0

    async with connected(server.url) as connection:
        await _refusal(connection, Operation("POST", "/trail/v1/orders", takes_body=True), {})
        with suppress(ConnectionError):
            while sent < 64 * 2**20:
                await connection.send(CHUNK)
                sent += len(CHUNK)

    assert sent < 64 * 2**20


async def test_who_is_refused_may_send_the_rest_of_a_large_body_and_reads_why(server: Server) -> None:
    async with httpx.AsyncClient(base_url=server.url, timeout=30) as http:
        response = await http.post("/trail/v1/orders", json={"created_by": "x" * SENT_LATER})

    assert response.status_code == 401


async def test_a_credential_is_looked_at_before_a_body_that_is_announced_as_too_large(server: Server) -> None:
    async with connected(server.url) as connection:
        headers = {"Content-Type": "application/json", "Content-Length": str(10**12)}
        await connection.begin("POST", "/trail/v1/orders", headers)
        answer = await connection.answer()

    assert answer.status == 401


async def test_a_refused_request_that_has_come_whole_does_not_end_its_connection(server: Server) -> None:
    request = (
        b"POST /trail/v1/orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    )

    async with connected(server.url) as connection:
        answers = []
        for _ in range(2):
            await connection.send(request)
            answers.append(await connection.answer())

    assert [answer.status for answer in answers] == [401, 401]
    assert "connection" not in answers[0].headers


async def test_whoever_has_a_credential_is_told_to_go_on(account: Account) -> None:
    async with connected(account.url) as connection:
        headers = {
            "Authorization": f"Bearer {account.token}",
            "Content-Type": "application/json",
            "Content-Length": "2",
            "Expect": "100-continue",
        }
        await connection.begin("POST", "/trail/v1/orders", headers)
        go_on = await connection.answer()
        await connection.send(b"{}")
        answer = await connection.answer()

    assert (go_on.status, answer.status) == (100, 201)


def _token_requests(account: Account, padding: int) -> list[tuple[str, dict[str, str], bytes]]:
    basic = base64.b64encode(f"{account.key_id}:{account.secret}".encode()).decode()
    carriyo = f'{{"client_id": "{account.key_id}", "client_secret": "{account.secret}"'
    dintero = f'{{"audience": "https://x/v1/accounts/{account.dintero_account}"'
    bodies = [f'{text}, "padding": "{"x" * padding}"}}'.encode() for text in (carriyo, dintero)]
    return [
        ("/oauth/token", {}, bodies[0]),
        (f"/v1/accounts/{account.dintero_account}/auth/token", {"Authorization": f"Basic {basic}"}, bodies[1]),
    ]


@pytest.mark.parametrize("is_in_chunks", [False, True])
async def test_tokens_are_given_for_small_bodies_only(account: Account, is_in_chunks: bool) -> None:
    statuses = []

    async with httpx.AsyncClient(base_url=account.url) as http:
        for padding in (3_000, 5_000):
            for path, headers, body in _token_requests(account, padding):

                async def chunks(body: bytes = body) -> Any:
                    for n in range(0, len(body), 1_000):
                        yield body[n : n + 1_000]

                content: Any = chunks() if is_in_chunks else body
                response = await http.post(
                    path, content=content, headers={"Content-Type": "application/json", **headers}
                )
                statuses.append(response.status_code)
                assert "access_token" in response.json() or "4096 bytes" in response.text, response.text

    assert statuses == [200, 200, 413, 413]


async def test_a_request_for_a_token_without_end_is_refused_after_little(account: Account) -> None:
    async with connected(account.url) as connection:
        answer = await _refusal(connection, Operation("POST", "/oauth/token", takes_body=True), {})

    assert answer.status == 413
    assert answer.json() == {"error": "bad_request", "error_description": "A request's body may have 4096 bytes"}


async def test_many_bodies_without_a_credential_keep_nobody_waiting(account: Account) -> None:
    async def attack() -> int:
        async with connected(account.url) as connection:
            return (await _refusal(connection, Operation("POST", "/trail/v1/orders", takes_body=True), {})).status

    async with httpx.AsyncClient(base_url=account.url, headers={"Authorization": f"Bearer {account.token}"}) as http:
        refused, answered = await asyncio.gather(
            asyncio.gather(*(attack() for _ in range(50))),
            asyncio.gather(*(http.post("/trail/v1/orders", json={}) for _ in range(50))),
        )

    assert set(refused) == {401}
    assert {response.status_code for response in answered} == {201}


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


STRANGE = {
    "nested header of a JWT": "Bearer " + _base64(b"[" * 20_000) + ".e30.x",
    "nested claims of a JWT": "Bearer e30." + _base64(b'{"a":' * 4_000) + ".x",
    "dots": "Bearer " + "." * 30_000,
    "a long token": "Bearer ot_" + "x" * 30_000,
    "underscores": "Bearer ot_" + "_" * 30_000,
    "no pair": "Basic " + _base64(b"a" * 20_000),
    "colons": "Basic " + _base64(b":" * 20_000),
    "NUL": "Basic " + base64.b64encode(b"a\x00:b\x00").decode(),
    "no base64": "Basic " + "=" * 30_000,
    "blanks": " " * 30_000,
}


@pytest.mark.parametrize("credential", STRANGE.values(), ids=STRANGE)
@pytest.mark.parametrize(
    "path", ["/trail/v1/orders", "/api/v3/integrations/1/logs", "/v1/accounts/T12345678/auth/token"]
)
async def test_no_credential_is_more_than_wrong(server: Server, credential: str, path: str) -> None:
    async with connected(server.url) as connection:
        await connection.begin("POST", path, {"Authorization": credential, "Content-Length": "0"})
        answer = await connection.answer()

    assert answer.status == 401, answer


@pytest.mark.parametrize(
    ("header", "value", "status"),
    [
        ("If-Match", '"1", ' * 6_000 + '"2"', 422),
        ("If-Match", "1" * 30_000, 422),
        ("Prefer", "receipt;" * 3_500, 201),
        ("Prefer", "a," * 15_000, 201),
    ],
    ids=["many versions", "a long version", "many parameters", "many preferences"],
)
async def test_a_long_header_is_read_as_a_short_one_is(account: Account, header: str, value: str, status: int) -> None:
    headers = {"Authorization": f"Bearer {account.token}", "Content-Type": "application/json"}
    async with httpx.AsyncClient(base_url=account.url, headers=headers) as http:
        await http.post("/trail/v1/orders", json={"order_id": "A-1"})
        event = {"type": "order.comment_added", "data": {"text": "x"}}

        response = await http.post("/trail/v1/orders/A-1/events", json=event, headers={header: value})

    assert response.status_code == status, response.text


@pytest.mark.parametrize(
    "path",
    [
        "/api/v3/integrations/logs?cursor=",
        "/trail/v1/orders?cursor=",
        "/trail/v1/orders?text=",
        "/orders/A-1/system-logs/x/content?token=",
    ],
)
async def test_a_long_parameter_is_refused(account: Account, path: str) -> None:
    async with httpx.AsyncClient(base_url=account.url, headers={"Authorization": f"Bearer {account.token}"}) as http:
        for value in ("A" * 30_000, "[" * 30_000, "9" * 30_000, ":" * 30_000):
            assert (await http.get(path + value)).status_code in {400, 401, 403, 404, 422}
