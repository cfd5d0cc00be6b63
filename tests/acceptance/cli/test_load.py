"""`ordertrail load`: files of events, over HTTP or straight into the database."""

import gzip
import json
from pathlib import Path

import httpx

from tests.commands import assert_says, ordertrail
from tests.fix_server import Account
from tests.native import new_id, pages


def events(order_id: str, count: int = 3) -> list[dict[str, object]]:
    first = {"order_id": order_id, "type": "order.created", "data": {"created_by": "shop"}}
    more = [{"order_id": order_id, "type": "order.status_updated", "data": {"status": str(n)}} for n in range(count)]
    return [{**event, "event_id": f"{order_id}-{n}"} for n, event in enumerate((first, *more))]


def write(path: Path, *lines: dict[str, object]) -> Path:
    text = "".join(json.dumps(line) + "\n" for line in lines).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


async def test_a_file_is_loaded_over_http_and_once(account: Account, http: httpx.AsyncClient, tmp_path: Path) -> None:
    order_id = new_id()
    file = write(tmp_path / "orders.ndjson.gz", *events(order_id))
    options = ("--url", account.url, "--token", account.token)

    first, second = (
        ordertrail("load", file, *options),
        ordertrail("load", file, *options[:2], ORDERTRAIL_TOKEN=options[3]),
    )

    assert (first.returncode, first.stdout) == (0, "4 events recorded, 0 recorded before, 0 lines refused\n")
    assert (second.returncode, second.stdout) == (0, "0 events recorded, 4 recorded before, 0 lines refused\n")
    assert len(await pages(http, f"/trail/v1/orders/{order_id}/timeline")) == 4


async def test_a_file_is_loaded_straight_into_the_database(
    account: Account, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    order_id = new_id()
    file = write(tmp_path / "orders.ndjson", *events(order_id))

    loaded = ordertrail("load", file, "--dsn", account.dsn, "--tenant", account.tenant)

    assert loaded.returncode == 0, loaded.stderr
    items = await pages(http, f"/trail/v1/orders/{order_id}/timeline")
    assert [item["data"].get("status") for item in items] == [None, "0", "1", "2"]
    assert {item["actor"]["name"] for item in items} == {"ordertrail load"}


def test_refused_lines_are_told_with_their_place_and_end_with_1(account: Account, tmp_path: Path) -> None:
    order_id = new_id()
    bad: dict[str, object] = {"order_id": "no-such", "type": "order.status_updated", "data": {"status": "x"}}
    file = write(tmp_path / "orders.ndjson", *events(order_id), bad, {})

    loaded = ordertrail("load", file, "--url", account.url, "--token", account.token)

    assert loaded.returncode == 1
    assert f"{file}:5: There is no order 'no-such'" in loaded.stderr
    assert f"{file}:6: " in loaded.stderr
    assert loaded.stdout.startswith("4 events recorded, 0 recorded before, 2 lines refused; all of them are at /trail")


async def test_a_csv_file_is_loaded_by_its_mapping(account: Account, http: httpx.AsyncClient, tmp_path: Path) -> None:
    order_id = new_id()
    write(tmp_path / "orders.ndjson", *events(order_id, 0))
    file = tmp_path / "states.csv"
    file.write_text(
        f'Order,State,Note,Who,Row\n{order_id},open,"said ""so"", twice",u-1,r-1\n{order_id},closed,,,r-2\n'
    )
    rules = ("order_id=Order", "type==order.status_updated", "data.status=State", "data.reason=Note", "actor.id=Who")
    options = [option for rule in (*rules, "event_id=Row") for option in ("--map", rule)]
    server = ("--url", account.url, "--token", account.token)
    ordertrail("load", tmp_path / "orders.ndjson", *server)

    loaded = ordertrail("load", file, *options, *server)

    assert loaded.stdout.startswith("2 events recorded"), loaded.stderr
    items = (await pages(http, f"/trail/v1/orders/{order_id}/timeline"))[1:]
    assert [item["data"] for item in items] == [
        {"status": "open", "reason": 'said "so", twice'},
        {"status": "closed", "reason": ""},
    ]
    assert items[0]["actor"]["id"] == "u-1"


def test_what_cannot_be_loaded_ends_with_2(account: Account, tmp_path: Path) -> None:
    file = write(tmp_path / "orders.ndjson", *events(new_id()))
    table = tmp_path / "states.csv"
    table.write_text("Order,State\nA,open\n")
    server = ("--url", account.url, "--token", account.token)

    assert_says(ordertrail("load", file, "--url", account.url), 2, "ORDERTRAIL_TOKEN")
    assert_says(ordertrail("load", file, "--url", account.url, "--token", "ot_a_b"), 2, "401")
    assert_says(ordertrail("load", file, "--url", "http://127.0.0.1:1", "--token", "x"), 2, "start it again")
    assert_says(ordertrail("load", table, "--map", "order_id=Id", *server), 2, "no column Id", "Order, State")
