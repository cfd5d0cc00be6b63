"""Pages of large things are short, and nothing is missing in what they lead to."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.cli.files.ledger_files import export_order
from api.dialects.shopline.order import MAX_REMARKS
from application.ledger.port import PAGE_BYTES
from application.ledger_file.proof import check_proof
from domain.values import TenantName
from tests.acceptance.carriyo.fix_carriyo import LOGS, listed, logged
from tests.fix_server import Account
from tests.native import ORDERS, an_order, append, comment, pages, status

MEGABYTE = 2**20
LARGE = 3 * MEGABYTE
"""Two of these, encrypted, reach what a page may have."""


def _text(n: int) -> str:
    return str(n) * LARGE


async def test_a_timeline_is_read_whole_in_either_direction(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)
    for n in range(5):
        await append(http, order_id, comment(_text(n)))

    for order in ("asc", "desc"):
        first = await http.get(f"{ORDERS}/{order_id}/timeline", params={"order": order})
        items = await pages(http, f"{ORDERS}/{order_id}/timeline", order=order)

        assert len(first.content) < PAGE_BYTES + LARGE
        assert [item["version"] for item in items] == ([1, 2, 3, 4, 5, 6] if order == "asc" else [6, 5, 4, 3, 2, 1])
        assert {item["version"]: item["data"].get("text") for item in items if item["version"] > 1} == {
            n + 2: _text(n) for n in range(5)
        }


async def test_the_feed_is_read_whole(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)
    for n in range(4):
        await append(http, order_id, comment(_text(n)))
    sizes, positions, after = [], [], 0

    while items := (feed := (await http.get("/trail/v1/feed", params={"after": after})).json())["items"]:
        sizes.append(len(items))
        positions += [item["position"] for item in items]
        after = feed["next"]

    assert sizes == [3, 2]
    assert positions == [1, 2, 3, 4, 5]


async def test_an_append_that_is_told_again_is_answered_as_the_first_time_however_large(
    http: httpx.AsyncClient,
) -> None:
    order_id = await an_order(http)
    events = [comment("x" * 2 * MEGABYTE) for _ in range(6)]

    first, again = [await append(http, order_id, *events, **{"Idempotency-Key": "k"}) for _ in range(2)]

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["idempotency-replayed"] == "true"
    assert first.json() == again.json()


async def test_what_an_order_was_and_how_it_changed_is_told_however_large_its_events_are(
    http: httpx.AsyncClient,
) -> None:
    order_id = await an_order(http)
    for n in range(4):
        await append(http, order_id, comment(_text(n)), status(f"s{n}"))

    past = await http.get(f"{ORDERS}/{order_id}", params={"version": 7})
    diff = await http.get(f"{ORDERS}/{order_id}/diff", params={"from": 1})

    assert past.json()["status"] == "s2"
    assert [c["after"] for c in diff.json()["changes"] if c["field"] == "/status"] == ["s3"]


async def test_a_page_of_calls_has_as_many_as_were_asked_for_however_large(
    carriyo: httpx.AsyncClient, http: httpx.AsyncClient
) -> None:
    for n in range(4):
        await logged(carriyo, request_url=_text(n))

    for query, expected in (("", [0, 1, 2, 3]), ("rowsPerPage=3", [0, 1, 2]), ("rowsPerPage=3&pageNum=2", [3])):
        logs = await listed(carriyo, query)

        assert [_url(log) for log in logs] == [_text(n) for n in expected]
    answer = await carriyo.get(LOGS)
    assert "content-length" not in answer.headers
    assert answer.headers["content-type"] == "application/json"


def _url(log: dict[str, Any]) -> str:
    url: str = httpx.Response(200, content=log["details_json"]).json()["request_url"]
    return url


async def test_a_list_of_changes_has_the_newest(carriyo: httpx.AsyncClient, http: httpx.AsyncClient) -> None:
    for n in range(5):
        await append(http, "A-1", comment(_text(n)))

    changes = (await carriyo.get("/orders/A-1/change-logs")).json()

    assert [change["changes"]["text"][0] for change in changes] == ["3", "4"]


async def test_dinteros_list_has_the_newest_of_both_kinds_without_a_hole(
    shopping: httpx.AsyncClient, http: httpx.AsyncClient
) -> None:
    for n in range(5):
        report = {"state": "success", "service": "s", "service_status": str(n), "metadata": {"text": _text(n)}}
        await append(http, "A-1", status(f"before {n}"), {"type": "order.service_event_recorded", "data": report})

    body = (await shopping.get("/A-1/events")).json()

    # What was done before the oldest report that is listed is not, for there were other reports between.
    assert [event.get("service_status", "-") for event in body["events"]] == ["4", "-", "3"]
    assert body["state"] == "success"


async def test_an_order_object_has_the_newest_comments(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)
    for n in range(4):
        await append(http, order_id, comment(str(n) * (MAX_REMARKS // 2 - 1)))
        await append(http, order_id, {"type": "order.comment_added", "data": {"text": "note", "is_private": True}})

    order = (await http.get(f"/v1/orders/{order_id}")).json()

    assert [remark["value"][0] for remark in order["order_comments"]] == ["2", "3"]
    assert len(order["order_notes"]) == 4


async def test_an_action_log_has_the_newest(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)
    await append(http, order_id, status("first"))
    for n in range(3):
        await append(http, order_id, comment(_text(n)))

    items = (await http.get(f"/v1/orders/{order_id}/action_logs")).json()["items"]

    assert [item["key"] for item in items] == ["added_a_comment"] * 2


async def test_the_proof_of_a_large_order_is_made_while_it_is_sent(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)
    for n in range(5):
        await append(http, order_id, comment(_text(n)), status(f"s{n}"))

    answer = await http.get(f"{ORDERS}/{order_id}/proofs")

    assert answer.status_code == 200, answer.text[:300]
    assert answer.headers["content-type"] == "application/json"
    assert "content-length" not in answer.headers
    assert list(answer.json()) == ["format", "checkpoint", "keys", "events"]
    assert [event.version for event in check_proof(answer.json()).events] == list(range(1, 12))


async def test_the_proof_of_a_small_order_is_made_before(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)

    answer = await http.get(f"{ORDERS}/{order_id}/proofs")

    assert answer.headers["content-length"] == str(len(answer.content))
    assert len(check_proof(answer.json()).events) == 1


async def test_a_large_order_is_exported_with_its_proof(
    account: Account, http: httpx.AsyncClient, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    order_id = await an_order(http)
    for n in range(3):
        await append(http, order_id, comment(_text(n)))

    path = tmp_path / "order.json"
    await export_order(account.dsn, TenantName(account.tenant), order_id, path, plain=True)

    assert f"versions 1 to 4 of order-{order_id} are in " in capsys.readouterr().out
    assert len(check_proof(json.loads(path.read_bytes())).events) == 4


async def test_an_order_is_redacted_however_large_its_calls_are(
    carriyo: httpx.AsyncClient, http: httpx.AsyncClient, account: Account
) -> None:
    for n in range(4):
        await logged(carriyo, request_url=_text(n), request_body=f"body {n}")

    redacted = await carriyo.post("/orders/A-1/redact")

    assert redacted.status_code == 200
    assert all("[redacted]" in log["details_json"] for log in await listed(carriyo)), account.tenant
