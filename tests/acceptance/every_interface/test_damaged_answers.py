"""Answers, pages and replays that lead past a damaged event."""

from tests.acceptance.every_interface.fix_told import VERSIONS, Everything, items_of
from tests.acceptance.every_interface.fix_told_damaged import Damaged, run
from tests.acceptance.sendcloud.fix_sendcloud import LOGS, ids, new_log, register, walk
from tests.damage import change_event
from tests.fix_server import ORDERTRAIL


async def test_pages_lead_on_past_a_log_that_cannot_be_read(everything: Everything) -> None:
    account, sendcloud = everything.account, everything.sendcloud
    await register(everything.native)
    logs = [await new_log(sendcloud) for _ in range(3)]
    assert len(await walk(sendcloud, f"{LOGS}?page_size=1")) == 3
    await change_event(account.dsn, account.tenant, logs[1], "data = '[]'")

    pages = await walk(sendcloud, f"{LOGS}?page_size=1")

    assert [ids(page) for page in pages] == [[logs[2]], [], [logs[0]]]
    native = await everything.native.get("/trail/v1/integrations/123/logs", params={"limit": 2})
    items = items_of(native)
    assert [(item["position"], "unreadable" in item) for item in items] == [(logs[2], False), (logs[1], True)]
    assert native.json()["next"] == str(logs[1])


async def test_replay_prints_what_can_be_read_and_says_what_cannot(damaged: Damaged) -> None:
    account = damaged.everything.account
    await damaged.change("updated", "data = '[]'")
    replay = [ORDERTRAIL, "replay", "--tenant", account.tenant, "--dsn", account.dsn, "--order", "A-1"]

    status, events = run(replay)
    of_order, order = run([*replay, "--at", "9000-01-01T00:00:00Z"])

    why = "its data is not a JSON object"
    assert (status, of_order) == (0, 0)
    assert [line.split()[0] for line in events.splitlines() if "UNREADABLE" in line] == [str(damaged.position)]
    assert events.count("\n") == VERSIONS
    assert order.splitlines()[-1] == (
        f"  UNREADABLE at position {damaged.position}: order.status_updated {damaged.was['id']}: {why}"
    )


async def test_an_order_of_which_nothing_can_be_read_is_there_nevertheless(everything: Everything) -> None:
    account, http = everything.account, everything.native
    await http.post("/trail/v1/orders", json={"order_id": "A-1"})
    await change_event(account.dsn, account.tenant, 1, "data = '[]'")

    past = (await http.get("/trail/v1/orders/A-1", params={"version": 1})).json()

    assert (past["version"], past["as_of"], past["unreadable_events"][0]["position"]) == (1, None, 1)
    replay = [ORDERTRAIL, "replay", "--tenant", account.tenant, "--dsn", account.dsn, "--at", "9000-01-01T00:00:00Z"]
    assert run(replay)[1].startswith("A-1 at version 1: none of its events can be read\n")


async def test_a_request_that_is_sent_again_is_answered_though_its_event_cannot_be_read(everything: Everything) -> None:
    account, key = everything.account, {"Idempotency-Key": "k-1"}
    await everything.native.post("/trail/v1/orders", json={"order_id": "A-1"})
    told = {"service": "wms", "service_status": "OK", "metadata": {"to": "Ann"}}
    first = await everything.dintero.post("/A-1/events", json=told, headers=key)
    await change_event(account.dsn, account.tenant, 2, "data = '[]'")

    again = await everything.dintero.post("/A-1/events", json=told, headers=key)

    assert (again.status_code, again.headers["idempotency-replayed"]) == (first.status_code, "true")
    assert again.json()["service_status"] == "OK"
