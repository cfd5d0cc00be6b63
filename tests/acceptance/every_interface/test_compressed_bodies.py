"""Bodies may be compressed by gzip or zstd, in every interface; what they are bounded by is the same."""

import gzip
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from pydantic_core import to_json
from zstandard import ZstdCompressor

from tests.acceptance.carriyo.fix_carriyo import LOGS
from tests.acceptance.sendcloud.fix_sendcloud import LOGS as EXCEPTIONS
from tests.acceptance.sendcloud.fix_sendcloud import MINIMAL
from tests.fix_server import Account
from tests.native import ORDERS, an_order, assert_problem, comment
from tests.raw_http import connected

COMPRESS: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "zstd": ZstdCompressor().compress}
of_each = pytest.mark.parametrize("coding", COMPRESS)


async def post(http: httpx.AsyncClient, path: str, content: bytes, coding: str, **headers: str) -> httpx.Response:
    told = {"Content-Type": "application/json", "Content-Encoding": coding, **headers}
    return await http.post(path, content=content, headers=told)


@of_each
async def test_every_interface_takes_compressed_bodies(
    http: httpx.AsyncClient,
    carriyo: httpx.AsyncClient,
    sendcloud: httpx.AsyncClient,
    shopping: httpx.AsyncClient,
    account: Account,
    coding: str,
) -> None:
    report = {"service": "kitchen", "service_status": "ready"}
    sent: list[tuple[httpx.AsyncClient, str, dict[str, Any]]] = [
        (http, f"{ORDERS}/A-1/events", comment("zipped")),
        (carriyo, LOGS, {"request_body": "x"}),
        (carriyo, "/oauth/token", {"client_id": account.key_id, "client_secret": account.secret}),
        (sendcloud, EXCEPTIONS, MINIMAL),
        (shopping, "/A-1/events", report),
        (http, "/v1/orders/A-1/messages", {"text": "zipped"}),
    ]
    for client, path, body in sent:
        content = to_json(body)
        assert (await post(client, path, COMPRESS[coding](content), coding)).is_success, path
        refused = await post(client, path, content, "br")
        assert refused.status_code == (400 if path == "/oauth/token" else 415), path
        assert refused.headers["accept-encoding"] == "gzip, zstd"
        assert (await post(client, path, content, coding)).status_code in {400, 422}, path


@of_each
async def test_a_bomb_is_too_large(http: httpx.AsyncClient, coding: str) -> None:
    path = f"{ORDERS}/{await an_order(http)}/events"

    for bomb in (b" " * 2**27, b"[" + b"0," * 200_000 + b"0]"):
        assert_problem(await post(http, path, COMPRESS[coding](bomb), coding), 413, "too-large")


@of_each
async def test_a_large_body_is_taken(http: httpx.AsyncClient, coding: str) -> None:
    path = f"{ORDERS}/{await an_order(http)}/events"

    assert (await post(http, path, COMPRESS[coding](to_json(comment("x" * 2**20))), coding)).status_code == 201


async def test_the_same_request_is_the_same_however_it_was_compressed(http: httpx.AsyncClient) -> None:
    path, body = f"{ORDERS}/{await an_order(http)}/events", to_json(comment("once"))

    answers = [
        await post(http, path, content, coding, **{"Idempotency-Key": "k"})
        for coding, content in [("identity", body), *((c, compress(body)) for c, compress in COMPRESS.items())]
    ]

    assert [answer.headers.get("idempotency-replayed") for answer in answers] == [None, "true", "true"]


async def test_nobody_has_anything_decoded_without_a_credential(account: Account) -> None:
    async with httpx.AsyncClient(base_url=account.url) as nobody:
        assert (await post(nobody, ORDERS, b"{}", "br")).status_code == 401


@pytest.mark.parametrize("path", [f"{ORDERS}/A-1/events", "/trail/v1/events", "/trail/v1/webhooks"])
async def test_a_coding_of_the_transfer_is_refused(account: Account, path: str) -> None:
    """It is not decoded, so what it says of the body would not be true."""
    body = to_json(comment("zipped"))
    headers = {"Authorization": f"Bearer {account.token}", "Content-Type": "application/json"}
    async with connected(account.url) as connection:
        await connection.begin("POST", path, {**headers, "Transfer-Encoding": "gzip, chunked"})
        await connection.send(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))

        refused = await connection.answer()

    assert (refused.status, refused.json()["type"]) == (415, "urn:ordertrail:problem:unsupported")
