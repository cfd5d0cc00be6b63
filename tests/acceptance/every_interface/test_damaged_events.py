"""One event that was changed in the database is shown as unreadable where it stands, and all others as they are."""

import json
from typing import Any

import pytest
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from tests.acceptance.every_interface.fix_told import VERSIONS, items_of
from tests.acceptance.every_interface.fix_told_damaged import Damaged, run
from tests.damage import EVENTS, TIMES, TOKENS, token_change
from tests.fix_server import ORDERTRAIL
from tests.native import amounts, append, assert_problem, comment, status

VERSION_OF = {"created": 1, "commented": 2, "reported": 3, "asked": 4, "updated": 5, "transferred": 6, "logged": 8}
"""The versions of the order's events."""
UNSHOWABLE = ["data that is cut off", "metadata that are a list", "a type that there is not"]


@pytest.mark.parametrize("how", TOKENS)
@pytest.mark.parametrize(("event", "column"), [("commented", "data"), ("updated", "metadata"), ("logged", "data")])
async def test_a_damaged_token_is_shown_as_unreadable_and_all_else_as_it_is(
    damaged: Damaged, event: str, column: str, how: str
) -> None:
    await damaged.change(event, token_change(how, column))

    assert damaged.refused() == set()
    before, after = damaged.others()
    assert after == before
    field = {"commented": "text", "updated": "actor.name", "logged": "request_url"}[event]
    assert damaged.item["unreadable"] == f"{field}: it was changed after it was recorded"
    texts = {name: answer.text for name, answer in damaged.answers.items()}
    shown = {name for name, text in texts.items() if "[unreadable]" in text}
    # The feed does not name who did it.
    assert {"timeline", "timeline, newest first", *(["feed"] if column == "data" else [])} <= shown
    assert "enc:v1" not in "".join(texts.values())


async def test_a_token_of_another_order_is_unreadable(damaged: Damaged) -> None:
    other = "SELECT o.data FROM ordertrail.events AS o WHERE o.tenant = %(tenant)s AND o.position = 12"

    await damaged.change("commented", f"data = ({other})")

    assert damaged.refused() == set()
    assert damaged.item["data"] == {"text": "[unreadable]", "is_private": False}
    assert damaged.item["unreadable"] == "text: it is encrypted with another key than that of order-A-1"


@pytest.mark.parametrize("how", [*EVENTS, *TIMES])
async def test_an_event_that_is_none_any_more_is_shown_where_it_stands(damaged: Damaged, how: str) -> None:
    await damaged.change("updated", {**EVENTS, **TIMES}[how])

    assert damaged.refused() == set()
    before, after = damaged.others()
    assert after == before
    assert (damaged.item["id"], damaged.item["position"]) == (damaged.was["id"], damaged.position)
    assert JSONFormat().read(CloudEvent, json.dumps(damaged.item).encode()).get_extension("unreadable")
    for name in ("timeline", "timeline, newest first"):
        items = items_of(damaged.answers[name])
        assert [item["position"] for item in items if "unreadable" in item] == [damaged.position]
        assert len(items) == VERSIONS + 1
    for name in ("version", "at", "at, occurred", "diff"):
        [unread] = damaged.answers[name].json()["unreadable_events"]
        assert (unread["position"], unread["version"]) == (damaged.position, VERSION_OF["updated"])


@pytest.mark.parametrize("event", ["created", "commented", "reported", "asked", "transferred", "logged", "failed"])
@pytest.mark.parametrize("how", UNSHOWABLE)
async def test_an_event_of_any_kind_can_be_damaged(damaged: Damaged, event: str, how: str) -> None:
    await damaged.change(event, EVENTS[how])

    assert damaged.refused() == set()
    before, after = damaged.others()
    assert after == before
    assert damaged.item["unreadable"]
    past = damaged.answers["at"].json()
    assert [e["position"] for e in past.get("unreadable_events", [])] == (
        [damaged.position] if event != "failed" else []
    )
    assert past["version"] == VERSIONS
    # A page of Carriyo's that is not full would be taken for the last.
    assert len(items_of(damaged.answers["system logs"])) == 1


async def test_a_call_that_cannot_be_read_is_refused_and_named(damaged: Damaged) -> None:
    await damaged.change("logged", "data = '[]'")

    answer = await damaged.everything.read_call("A-1", damaged.told)

    assert answer.status_code == 503
    [error] = answer.json()["errors"]
    assert error.startswith(f"Event {damaged.position} (order.system_log_recorded) cannot be read: ")


async def test_what_can_be_read_of_an_action_is_shown_in_the_vendors_words(damaged: Damaged) -> None:
    await damaged.change("updated", "data = '[]'")

    [change] = [
        log for log in items_of(damaged.answers["change logs"]) if log["identifier"] == f"{damaged.position:019}"
    ]
    assert (change["change_type"], change["changes"]) == ("STATUS_UPDATED", {"unreadable": "[unreadable]"})
    assert (change["user_id"], change["user_name"]) == ("u-A-1", "Kim, staff of A-1")
    [event] = [event for event in items_of(damaged.answers["order events"]) if event["id"] == damaged.was["id"]]
    assert (event["created_by"], event["version"], event.keys()) == (
        "u-A-1",
        VERSION_OF["updated"],
        {"id", "created_at", "created_by", "version"},
    )


async def test_what_an_order_was_is_told_without_what_cannot_be_read(damaged: Damaged) -> None:
    await damaged.change("updated", "data = '[]'")

    now, past = damaged.answers["order"].json(), damaged.answers["version"].json()

    # The view was made when it could be read; the past is made of what can be read now.
    assert (now["status"], past["status"], past["version"]) == ("open", None, VERSIONS)
    assert past["customer"]["name"] == "Bea, secret of A-1"


async def test_nothing_is_decided_on_what_cannot_be_read(damaged: Damaged) -> None:
    http = damaged.everything.native
    await damaged.change("created", "data = '[]'")

    decisions = {"edit": {"totals": amounts(1)}, "split": {"totals": amounts(1)}, "transfer": {"customer": {"id": "c"}}}
    for decision, body in decisions.items():
        answer = await http.post(f"/trail/v1/orders/A-1/{decision}", json=body)
        assert_problem(answer, 503, "damaged")
        assert "Event 1 (order.created)" in answer.json()["detail"]
        assert "order-A-1" in answer.json()["detail"]
    assert (await append(http, "A-1", status("shipped"), comment("Ring twice"))).status_code == 201
    assert (await http.post("/trail/v1/orders/B-2/edit", json={"totals": amounts(1)})).status_code == 201


async def test_what_changes_nothing_about_an_order_keeps_nobody_from_deciding(damaged: Damaged) -> None:
    await damaged.change("commented", "data = '[]'")

    answer = await damaged.everything.native.post("/trail/v1/orders/A-1/edit", json={"totals": amounts(1)})

    assert answer.status_code == 201


@pytest.mark.parametrize("decision", [{"totals": amounts(1)}, {"customer": {"id": "c-3", "name": "Cy"}}])
async def test_a_customer_that_cannot_be_read_is_not_told_on(damaged: Damaged, decision: dict[str, Any]) -> None:
    http = damaged.everything.native
    await damaged.change("transferred", token_change("changed in its text", "data", nth=3))
    path = "split" if "totals" in decision else "transfer"

    answer = await http.post(f"/trail/v1/orders/A-1/{path}", json=decision)

    assert_problem(answer, 503, "damaged")
    assert f"Event {damaged.position} (order.transferred) of order-A-1" in answer.json()["detail"]
    assert (await http.post("/trail/v1/orders/A-1/edit", json={"totals": amounts(1)})).status_code == 201


@pytest.mark.parametrize("event", ["created", "logged", "transferred"])
@pytest.mark.parametrize("how", UNSHOWABLE)
async def test_an_order_with_a_damaged_event_is_forgotten_like_any_other(
    damaged: Damaged, event: str, how: str
) -> None:
    account = damaged.everything.account
    await damaged.change(event, EVENTS[how])

    command = [ORDERTRAIL, "forget", "--tenant", account.tenant, "--dsn", account.dsn, "--yes", "--order", "A-1"]
    for said in (
        "Order A-1 is forgotten.",
        "Order A-1 was forgotten before; what was recorded since is forgotten too.",
    ):
        assert run(command) == (0, f"{said}\n")

    damaged.answers = await damaged.everything.read("A-1", damaged.told)
    assert [name for name, answer in damaged.answers.items() if "secret of A-1" in answer.text] == []
    assert damaged.refused() == set()
