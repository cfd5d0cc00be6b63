"""Errors of our own interface are problem details, whatever is sent."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.fix_server import Account, Server, new_account
from tests.native import JSON, ORDERS, an_order, assert_problem, status

EVENT = (
    b'{"type": "order.service_event_recorded", "data": {"state": "error", "service": "s", "service_status": "s", %s}}'
)
TOO_MANY = 16 * 2**20 + 1


@pytest.fixture(scope="module")
def account(server: Server) -> Account:
    """One tenant for all of these tests: none of them leaves anything that another would see."""
    return asyncio.run(new_account(server, is_implicit=False))


async def test_a_problem_names_everything_that_is_wrong_and_where(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)
    body = {"events": [status(), {"type": "order.status_updated", "data": {"status": 7, "a/b~c": 1}}]}

    response = await http.post(f"{ORDERS}/{order_id}/events", json=body)

    assert_problem(response, 422, "invalid")
    assert response.json()["errors"] == [
        {"pointer": "/events/1/data/status", "detail": "Input should be a valid string", "type": "string_type"},
        {"pointer": "/events/1/data/a~1b~0c", "detail": "Extra inputs are not permitted", "type": "extra_forbidden"},
    ]


async def test_the_form_that_a_body_was_taken_for_is_no_part_of_a_pointer(http: httpx.AsyncClient) -> None:
    pointers = []
    for body in ([], {"type": 7}, {"events": []}, {"events": [{"type": "order.eaten"}]}, {"events": [7]}):
        response = await http.post(f"{ORDERS}/A-1/events", json=body)
        assert_problem(response, 422)
        pointers += [error["pointer"] for error in response.json()["errors"]]
        assert "form" not in response.json()["detail"]

    assert pointers == ["", "/type", "/events", "/events/0/type", "/events/0"]


@pytest.mark.parametrize(
    "path", ["/", "/nope", "/trail", "/trail/v1/", "/trail/v1/orders/", "/trail/v2/orders", "/%00"]
)
async def test_an_unknown_path_is_a_404(http: httpx.AsyncClient, path: str) -> None:
    for method in ("GET", "POST", "DELETE"):
        assert_problem(await http.request(method, path), 404, "not-found")


async def test_a_method_that_a_path_does_not_take_is_a_405(http: httpx.AsyncClient) -> None:
    response = await http.delete("/trail/v1/ledger")

    assert_problem(response, 405, "method-not-allowed")
    assert response.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "", "json", "text/json"])
async def test_a_body_that_is_not_sent_as_json_is_a_415(http: httpx.AsyncClient, content_type: str) -> None:
    response = await http.post(ORDERS, content=b"{}", headers={"Content-Type": content_type})

    assert_problem(response, 415, "unsupported")
    assert "application/json" in response.json()["detail"]


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "APPLICATION/JSON", "application/x+json"])
async def test_json_is_known_in_all_its_names(http: httpx.AsyncClient, content_type: str) -> None:
    response = await http.post(ORDERS, content=b"{}", headers={"Content-Type": content_type})

    assert response.status_code == 201


async def test_a_body_that_is_too_large_is_a_413(http: httpx.AsyncClient) -> None:
    response = await http.post(ORDERS, content=b"x" * TOO_MANY, headers=JSON)

    assert_problem(response, 413, "too-large")


async def test_a_body_in_chunks_that_becomes_too_large_is_a_413(http: httpx.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(TOO_MANY // 2**16 + 1):
            yield b"x" * 2**16

    response = await http.post(ORDERS, content=chunks(), headers=JSON)

    assert_problem(response, 413, "too-large")


async def test_a_large_body_that_is_not_too_large_is_taken(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)
    event = {"type": "order.comment_added", "data": {"text": "x" * 10_000_000}}

    response = await http.post(f"{ORDERS}/{order_id}/events", json=event)

    assert response.status_code == 201
    while "ordertrail-lag" in (timeline := await http.get(f"{ORDERS}/{order_id}/timeline")).headers:
        pass  # ten megabytes are longer on their way than a reader waits, if the machine has much else to do
    assert len(timeline.json()["items"][1]["data"]["text"]) == 10_000_000


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"null",
        b"1",
        b'"x"',
        b"[]",
        b"{",
        b"{}{}",
        b"\xff\xfe{}",
        b'{"type": "\xff"}',
        b'{"type": "\\ud800"}',
        b'{"type": "\\udfff\\ud800"}',
        b"[" * 100_000,
        b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
        b'{"type": "order.comment_added", "data": {"text": "\\u0000"}}',
        b'{"type": "order.comment_added", "data": {"text": "\\ud83d"}}',
        b'{"type": "order.comment_added", "data": {"text": NaN}}',
        b'{"type": "order.comment_added", "data": null}',
        b'{"type": "order.comment_added", "data": {"originator_id": "order-B"}}',
        b'{"type": "order.comment_added", "data": {"timestamp": "2026-01-01T00:00:00Z"}}',
        b'{"type": "order.comment_added", "event_id": "\\u00e9"}',
        b'{"type": "order.comment_added", "event_id": ""}',
        b'{"type": "order.comment_added", "actor": {"name": "\\u0000"}}',
        b'{"type": "order.comment_added", "occurred_at": 1e300}',
        b'{"type": "order.comment_added", "occurred_at": "0001-01-01T00:00:00Z"}',
        b'{"type": "order.comment_added", "occurred_at": "9999-12-31T23:59:59-12:00"}',
        b'{"type": "\\u0000"}',
        b'{"type": "integration.registered"}',
        b'{"type": "order.split", "data": {"child_order_id": "\\u2603"}}',
        b'{"type": "order.payment_method_changed", "data": {"method": {"before": {"": "x"}, "after": {}}}}',
        b'{"type": "order.system_log_recorded", "data": {"response_code": 9223372036854775808}}',
        b'{"type": "order.system_log_recorded", "data": {"request_time": -9223372036854775809}}',
        b'{"type": "order.system_log_recorded", "data": {"response_code": 1e999}}',
        b'{"events": null}',
        b'{"events": [' + b",".join([b'{"type": "order.comment_added"}'] * 1_001) + b"]}",
        b'{"events": [' + b",".join([b'{"type": "order.comment_added", "event_id": "e"}'] * 2) + b"]}",
        EVENT % b'"metadata": NaN',
        EVENT % b'"metadata": {"n": Infinity}',
        EVENT % b'"metadata": {"n": 1e999}',
        EVENT % (b'"metadata": {"n": %s}' % (b"9" * 5_000)),
        EVENT % b'"metadata": {"\\u0000": 1}',
        EVENT % b'"metadata": {"\\ud800": 1}',
        EVENT % b'"metadata": {"n": ["\\u0000"]}',
        EVENT % (b'"metadata": {"n": %s}' % (b"[" * 65 + b"]" * 65)),
        EVENT % b'"metadata": []',
    ],
    ids=lambda body: body[:60].decode("latin-1"),
)
async def test_no_body_is_more_than_a_422(http: httpx.AsyncClient, body: bytes) -> None:
    order_id = await an_order(http)

    for path in (f"{ORDERS}/{order_id}/events", ORDERS, f"{ORDERS}/{order_id}/split"):
        assert_problem(await http.post(path, content=body, headers=JSON), 422, "invalid")
    assert (await http.get(f"{ORDERS}/{order_id}/timeline")).json()["items"][1:] == []


@pytest.mark.parametrize(
    "metadata",
    [
        {"n": int("9" * 4_000), "m": -0.0, "tiny": 5e-324, "large": 1.7976931348623157e308},
        {"": {"": [None, True, [], {}]}, "\U0001f600\u2028\x7f\x1f": "\u202e"},
        {"n": [[[[[[[[[[]]]]]]]]]]},
    ],
)
async def test_strange_json_is_kept_and_read_back(http: httpx.AsyncClient, metadata: dict[str, Any]) -> None:
    order_id = await an_order(http)
    data = {"state": "success", "service": "s", "service_status": "s", "metadata": metadata}
    event = {"type": "order.service_event_recorded", "data": data}

    response = await http.post(f"{ORDERS}/{order_id}/events", json=event)

    assert response.status_code == 201
    timeline = await http.get(f"{ORDERS}/{order_id}/timeline")
    assert timeline.json()["items"][1]["data"] == data
    assert "ordertrail-lag" not in (await http.get(f"{ORDERS}/{order_id}")).headers


@pytest.mark.parametrize(
    "order_id",
    [
        "%00",
        "a%00b",
        "a%2Fb",
        "..%2F..",
        "%2E%2E%2Fx",
        "x" * 129,
        "x" * 10_000,
        "☃",
        "%E2%98%83",
        "%FF",
        "%ED%A0%80",
        "%20",
        "%0A",
    ],
    ids=lambda order_id: order_id[:20],
)
async def test_no_order_id_is_more_than_a_404_or_a_422(http: httpx.AsyncClient, order_id: str) -> None:
    for method, path in (("GET", ""), ("GET", "/timeline"), ("POST", "/events"), ("POST", "/split"), ("POST", "/edit")):
        body = status() if method == "POST" else None
        response = await http.request(method, f"{ORDERS}/{order_id}{path}", json=body)

        assert_problem(response, 404 if "%2F" in order_id else 422)


@pytest.mark.parametrize(
    ("path", "queries"),
    [
        ("orders", ["limit=0", "limit=101", "limit=x", "limit=1.5", f"limit={'9' * 5_000}", "limit="]),
        ("orders", ["cursor=x", "cursor=-1", f"cursor={'9' * 64}", f"cursor={2**63}", "cursor=%00", "cursor=%D9%A3"]),
        ("orders", [f"cursor={'1' * 10_000}", "state=x", "status=%00", "text=%00", f"text={'x' * 256}", "nope=1"]),
        ("orders", ["updated_from=1e400", "updated_to=%00", "updated_from=0001-01-01T00:00:00%2B14:00"]),
        ("orders/{id}/timeline", ["kind=x", "type=%00", "order=up", "from=1e400", "cursor=%00", "nope=1"]),
        ("feed", ["after=-1", f"after={2**63}", f"after={'9' * 5_000}", "limit=1001", "type=%00", f"type={'x' * 256}"]),
    ],
    ids=["limit", "cursor", "text", "time", "timeline", "feed"],
)
async def test_no_query_is_more_than_a_422(http: httpx.AsyncClient, path: str, queries: list[str]) -> None:
    path = path.replace("{id}", await an_order(http))

    for query in queries:
        assert_problem(await http.get(f"/trail/v1/{path}?{query}"), 422, "invalid")


@pytest.mark.parametrize(
    "key", [b"", b"x" * 256, b"x" * 10_000, "é".encode(), b"\xff", b"a\tb"], ids=lambda key: repr(key[:20])
)
async def test_a_key_that_cannot_be_kept_is_a_422(http: httpx.AsyncClient, key: bytes) -> None:
    response = await http.post(ORDERS, json={}, headers={b"Idempotency-Key": key})

    assert_problem(response, 422)
    assert response.json()["errors"][0]["pointer"] == "Idempotency-Key"


@pytest.mark.parametrize("value", [b"a\x01b", b"a\x7fb", b"a\x00b"])
async def test_what_is_not_http_is_a_400(account: Account, value: bytes) -> None:
    answer = await _raw(account, b"POST /trail/v1/orders HTTP/1.1\r\nHost: x\r\nIdempotency-Key: %b\r\n\r\n" % value)

    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"content-type: application/problem+json" in head
    assert b'"urn:ordertrail:problem:malformed"' in body


async def test_a_length_that_is_no_number_is_a_400(account: Account) -> None:
    for length in (b"x", b"-1", b"9" * 5_000, b"1" * 25):
        answer = await _raw(
            account, b"POST /trail/v1/orders HTTP/1.1\r\nHost: x\r\nContent-Length: %b\r\n\r\n" % length
        )

        assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 413 "))


async def _raw(account: Account, request: bytes) -> bytes:
    """Send bytes, and return what comes back until the server closes the connection."""
    url = httpx.URL(account.url)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(request)
    try:
        return await asyncio.wait_for(reader.read(), timeout=20)
    finally:
        writer.close()
        await writer.wait_closed()
